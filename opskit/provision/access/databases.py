"""Databases, their schemas and what stands in them: what each shall be, and the steps to that. Pure."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from opskit.provision.access.rights import Kind, Right
from opskit.provision.access.roles import RoleSetting

DATABASE_OWNER = "pg_database_owner"
"""Who owns schema public of a new database: whoever owns the database."""

ENCODING, COLLATION = "UTF8", "C.UTF-8"

FENCED = "opskit: fenced"
"""How the comment of a schema begins from which opskit has shut the application out on purpose."""

STATEMENTS = "pg_stat_statements"


@dataclass(frozen=True, slots=True)
class Duties:
    """The roles by what they are for."""

    owner: str
    application: str
    monitor: str
    standby: str
    backup: str

    @property
    def readers(self) -> tuple[str, str]:
        """Those who read every table and change none."""
        return (self.standby, self.backup)


@dataclass(frozen=True, slots=True)
class WantedDatabase:
    """A database and the application's schemas in it."""

    name: str
    schemas: tuple[str, ...] = ("public",)


@dataclass(frozen=True, slots=True)
class SchemaFacts:
    """A schema that is there.

    Attributes:
        fenced: the application is shut out on purpose.
    """

    name: str
    owner: str
    fenced: bool = False


@dataclass(frozen=True, slots=True)
class Owned:
    """Something in a schema that belongs to a role, and to no extension.

    Attributes:
        what: TABLE (views and sequences of their own, too), ROUTINE or TYPE, as ALTER calls it.
        identity: its name as SQL spells it, with schema and arguments.
        ours: does it belong to one of opskit's roles, to a superuser or to who provisions?
    """

    what: str
    schema: str
    identity: str
    owner: str
    ours: bool


@dataclass(frozen=True, slots=True)
class Relation:
    """A table or view (TABLE) or a sequence that rights are given on."""

    kind: Kind
    schema: str
    name: str
    owner: str
    ours: bool


@dataclass(frozen=True, slots=True)
class DatabaseFacts:
    """A database that is there; of its schemas only those that are wanted, and public.

    Attributes:
        open: it lets sessions in at all; nothing is known of the inside of one that does not.
        limit: how many at once; -1 is any number.
        settings: those that every session in it begins with.
        guests: roles of others who own or may something in it.
        rights: those of opskit's roles, the application's and everybody's.
    """

    name: str
    owner: str
    encoding: str = ENCODING
    collation: str = COLLATION
    open: bool = True
    limit: int = -1
    settings: tuple[RoleSetting, ...] = ()
    schemas: tuple[SchemaFacts, ...] = ()
    owned: tuple[Owned, ...] = ()
    relations: tuple[Relation, ...] = ()
    rights: frozenset[Right] = frozenset()
    guests: frozenset[str] = frozenset()
    extensions: frozenset[str] = frozenset()

    @property
    def fenced(self) -> bool:
        """Has opskit shut the application out of any of its schemas?"""
        return any(schema.fenced for schema in self.schemas)


@dataclass(frozen=True, slots=True)
class CreateDatabase:
    """Make an empty database that orders text as SQLite does."""

    database: str
    owner: str

    @property
    def title(self) -> str:
        """One line."""
        return f"create database {self.database}, {ENCODING} and {COLLATION}, owned by {self.owner}"

    @property
    def why(self) -> tuple[str, ...]:
        """What is missing."""
        return (f"there is no database {self.database}",)


@dataclass(frozen=True, slots=True)
class CreateSchema:
    """Make an empty schema."""

    database: str
    schema: str
    owner: str

    @property
    def title(self) -> str:
        """One line."""
        return f"{self.database}: create schema {self.schema}, owned by {self.owner}"

    @property
    def why(self) -> tuple[str, ...]:
        """What is missing."""
        return (f"{self.database}: there is no schema {self.schema}",)


@dataclass(frozen=True, slots=True)
class ChangeOwner:
    """Give a database, or a schema of it, to its owner."""

    database: str
    kind: Kind
    name: str
    found: str
    shall: str

    @property
    def title(self) -> str:
        """One line."""
        return f"{self.database}: give {self.kind.value.lower()} {self.name} to {self.shall}"

    @property
    def why(self) -> tuple[str, ...]:
        """What has drifted."""
        what = f"{self.kind.value.lower()} {self.name}"
        return (f"{self.database}: owner of {what}: is {self.found}, shall be {self.shall}",)


@dataclass(frozen=True, slots=True)
class HandOver:
    """Give the application what it shall be able to alter: its tables, and all that goes with them."""

    database: str
    schema: str
    objects: tuple[Owned, ...]
    shall: str

    @property
    def title(self) -> str:
        """One line."""
        first, *others = (one.identity for one in self.objects)
        more = f" and {len(others)} more" if others else ""
        return f"{self.database}: give {first}{more} to {self.shall}"

    @property
    def why(self) -> tuple[str, ...]:
        """What has drifted."""
        return tuple(
            f"{self.database}: owner of {one.identity}: is {one.owner}, shall be {self.shall}"
            for one in self.objects
        )


@dataclass(frozen=True, slots=True)
class CreateExtension:
    """Make an extension known to a database, in its schema public."""

    database: str
    extension: str

    @property
    def title(self) -> str:
        """One line."""
        return f"{self.database}: create extension {self.extension}"

    @property
    def why(self) -> tuple[str, ...]:
        """What is missing."""
        return (f"{self.database}: there is no extension {self.extension}",)


DatabaseStep = CreateDatabase | CreateSchema | ChangeOwner | HandOver | CreateExtension


def as_created(name: str, owner: str) -> DatabaseFacts:
    """What a database is like that has just been made from template0."""
    rights = {Right(Kind.DATABASE, "PUBLIC", one, name) for one in ("CONNECT", "TEMPORARY")}
    rights.add(Right(Kind.SCHEMA, "PUBLIC", "USAGE", "public"))
    return DatabaseFacts(
        name, owner, schemas=(SchemaFacts("public", DATABASE_OWNER),), rights=frozenset(rights)
    )


def ownership_steps(wanted: WantedDatabase, facts: DatabaseFacts, duties: Duties) -> Iterator[DatabaseStep]:
    """The database and its schemas get their owner."""
    if facts.owner != duties.owner:
        yield ChangeOwner(facts.name, Kind.DATABASE, facts.name, facts.owner, duties.owner)
    known = {schema.name: schema for schema in facts.schemas}
    for schema in governed_schemas(wanted):
        there = known.get(schema)
        if there is None:
            yield CreateSchema(facts.name, schema, duties.owner)
        elif there.owner not in {duties.owner, DATABASE_OWNER}:
            yield ChangeOwner(facts.name, Kind.SCHEMA, schema, there.owner, duties.owner)


def handover_steps(wanted: WantedDatabase, facts: DatabaseFacts, duties: Duties) -> Iterator[HandOver]:
    """The application gets what it shall be able to alter, when it may already make such things itself."""
    strangers: defaultdict[str, list[Owned]] = defaultdict(list)
    for one in facts.owned:
        if one.schema in wanted.schemas and one.ours and one.owner != duties.application:
            strangers[one.schema].append(one)
    for schema, objects in strangers.items():
        yield HandOver(facts.name, schema, tuple(objects), duties.application)


def governed_schemas(wanted: WantedDatabase) -> tuple[str, ...]:
    """The application's, and public, which everybody looks into."""
    return tuple(dict.fromkeys(("public", *wanted.schemas)))


def told_of(facts: DatabaseFacts, duties: Duties) -> Iterator[str]:
    """What is otherwise than wanted and stays so."""
    if facts.encoding != ENCODING:
        yield f"database {facts.name} is encoded in {facts.encoding}: only a new one can be {ENCODING}"
    if facts.collation != COLLATION:
        yield (
            f"database {facts.name} sorts by {facts.collation}: only a new one can sort by {COLLATION},"
            " as SQLite does"
        )
    for schema in facts.schemas:
        if schema.fenced:
            yield (
                f"{facts.name}: schema {schema.name} is fenced: what {duties.application} may there is"
                " left as it is"
            )
    others = sorted({one.owner for one in facts.owned if not one.ours and one.owner != duties.application})
    for owner in others:
        yield f"{facts.name}: what belongs to {owner} stays theirs; the application cannot alter it"
