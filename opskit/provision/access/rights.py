"""Rights: who may do what to which object, as sets whose difference is the plan. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import Enum

from opskit.provision.access.roles import is_shall
from opskit.schema.names import quote

PUBLIC = "PUBLIC"
"""Everybody; PostgreSQL keeps the name for itself in lower case."""

_Names = tuple[str, ...]


class Kind(Enum):
    """What a right is about; the values are the words of GRANT."""

    DATABASE = "DATABASE"
    SCHEMA = "SCHEMA"
    TABLE = "TABLE"
    SEQUENCE = "SEQUENCE"
    FUTURE_TABLES = "TABLES"
    FUTURE_SEQUENCES = "SEQUENCES"


FUTURE = frozenset({Kind.FUTURE_TABLES, Kind.FUTURE_SEQUENCES})

ALL_OF_TABLE = frozenset({"SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER"})
ALL_OF_SEQUENCE = frozenset({"SELECT", "UPDATE", "USAGE"})
"""What an owner has from the start."""


@dataclass(frozen=True, slots=True)
class Right:
    """One privilege of one role on one object.

    Attributes:
        name: of the database, schema, table or sequence; for what is yet to come, of the role that makes it.
        schema: where a table or sequence stands; for what is yet to come, empty when it may be made anywhere.
    """

    kind: Kind
    grantee: str
    privilege: str
    name: str
    schema: str = ""

    def __str__(self) -> str:
        """As the beginning of a sentence."""
        noun = self.kind.value.lower()
        place = f"{self.schema}.{self.name}" if self.schema else f"{noun} {self.name}"
        if self.kind in FUTURE:
            place = f"{noun} that {self.name} will make{_inside(self.schema)}"
        return f"{self.grantee} may {self.privilege} on {place}"


@dataclass(frozen=True, slots=True)
class ChangeRights:
    """Give some roles the same privileges on some objects of one kind, or take them away."""

    database: str
    kind: Kind
    grantees: tuple[str, ...]
    privileges: tuple[str, ...]
    names: tuple[str, ...]
    schema: str
    shall: bool

    @property
    def title(self) -> str:
        """One line."""
        privileges, grantees = ", ".join(self.privileges), ", ".join(self.grantees)
        if frozenset(self.privileges) in _EVERYTHING:
            privileges = "everything"
        if self.shall:
            return f"{self.database}: grant {privileges} on {self._objects()} to {grantees}"
        return f"{self.database}: revoke {privileges} on {self._objects()} from {grantees}"

    @property
    def why(self) -> tuple[str, ...]:
        """What is missing or has drifted."""
        rights = (
            Right(self.kind, grantee, one, name, self.schema)
            for name in self.names
            for grantee in self.grantees
            for one in self.privileges
        )
        return tuple(f"{self.database}: {right}: {is_shall(self.shall)}" for right in rights)

    def _objects(self) -> str:
        noun, (first, *others) = self.kind.value.lower(), self.names
        if self.kind in FUTURE:
            return f"{noun} that {' or '.join(self.names)} will make{_inside(self.schema)}"
        if others:
            return f"{len(self.names)} {noun}s of {self.schema}"
        return f"{noun} {self.schema}.{first}" if self.schema else f"{noun} {first}"


_EVERYTHING = frozenset({ALL_OF_TABLE, ALL_OF_SEQUENCE})


def undone(step: ChangeRights) -> ChangeRights:
    """What puts the rights back; a step names only those that were otherwise."""
    return replace(step, shall=not step.shall)


def right_steps(database: str, missing: Iterable[Right], surplus: Iterable[Right]) -> Iterator[ChangeRights]:
    """As few statements as say it; what is given comes first, so that nobody is shut out meanwhile."""
    yield from _grouped(database, missing, shall=True)
    yield from _grouped(database, surplus, shall=False)


def _grouped(database: str, rights: Iterable[Right], *, shall: bool) -> Iterator[ChangeRights]:
    """By privileges that a role has on one object, then objects, then roles."""
    privileges: defaultdict[tuple[Kind, str, str, str], set[str]] = defaultdict(set)
    for right in rights:
        privileges[right.kind, right.schema, right.name, right.grantee].add(right.privilege)
    names: defaultdict[tuple[Kind, str, _Names, str], set[str]] = defaultdict(set)
    for (kind, schema, name, grantee), some in privileges.items():
        names[kind, schema, tuple(sorted(some)), grantee].add(name)
    grantees: defaultdict[tuple[Kind, str, _Names, _Names], set[str]] = defaultdict(set)
    for (kind, schema, some, grantee), objects in names.items():
        grantees[kind, schema, some, tuple(sorted(objects))].add(grantee)
    order = {kind: number for number, kind in enumerate(Kind)}
    for key in sorted(grantees, key=lambda one: (order[one[0]], *one[1:])):
        kind, schema, some, objects = key
        yield ChangeRights(database, kind, tuple(sorted(grantees[key])), some, objects, schema, shall)


def statement(step: ChangeRights) -> str:
    """The step as SQL.

    >>> statement(ChangeRights("db", Kind.TABLE, ("app",), ("SELECT",), ("a", "b"), "public", shall=True))
    'GRANT SELECT ON TABLE "public"."a", "public"."b" TO "app"'
    """
    privileges = ", ".join(step.privileges)
    grantees = ", ".join(PUBLIC if name == PUBLIC else quote(name) for name in step.grantees)
    verb, to = ("GRANT", f"TO {grantees}") if step.shall else ("REVOKE", f"FROM {grantees}")
    if step.kind in FUTURE:
        makers = ", ".join(map(quote, step.names))
        inside = f" IN SCHEMA {quote(step.schema)}" if step.schema else ""
        change = f"{verb} {privileges} ON {step.kind.value} {to}"
        return f"ALTER DEFAULT PRIVILEGES FOR ROLE {makers}{inside} {change}"
    prefix = f"{quote(step.schema)}." if step.schema else ""
    objects = ", ".join(f"{prefix}{quote(name)}" for name in step.names)
    return f"{verb} {privileges} ON {step.kind.value} {objects} {to}"


def _inside(schema: str) -> str:
    return f" in {schema}" if schema else ""
