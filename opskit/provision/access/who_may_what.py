"""The table of docs/provision.md as a function: which rights there shall be in a database. Pure."""

from collections.abc import Iterator

from opskit.provision.access.databases import DatabaseFacts, Duties, WantedDatabase, governed_schemas
from opskit.provision.access.rights import ALL_OF_SEQUENCE, ALL_OF_TABLE, PUBLIC, Kind, Right

_FUTURE = {Kind.FUTURE_TABLES: ALL_OF_TABLE, Kind.FUTURE_SEQUENCES: ALL_OF_SEQUENCE}
_PRESENT = {Kind.TABLE: ALL_OF_TABLE, Kind.SEQUENCE: ALL_OF_SEQUENCE}


def missing_and_surplus(
    wanted: WantedDatabase, facts: DatabaseFacts, duties: Duties
) -> tuple[frozenset[Right], frozenset[Right]]:
    """The rights to give, and those to take away, once everything has its owner.

    What opskit has fenced is neither given nor taken: provision opens no fence.
    """
    shall = frozenset(_wanted_rights(wanted, facts, duties))
    are = frozenset(_rights_after_owners_change(facts, duties))
    surplus = (right for right in are - shall if _is_governed(right, duties))
    return (
        frozenset(right for right in shall - are if not _is_fenced(right, facts, duties)),
        frozenset(right for right in surplus if not _is_fenced(right, facts, duties)),
    )


def _wanted_rights(wanted: WantedDatabase, facts: DatabaseFacts, duties: Duties) -> Iterator[Right]:
    name = wanted.name
    yield Right(Kind.DATABASE, duties.application, "TEMPORARY", name)
    for role in (duties.application, duties.monitor, *duties.readers):
        yield Right(Kind.DATABASE, role, "CONNECT", name)
        for schema in governed_schemas(wanted):
            yield Right(Kind.SCHEMA, role, "USAGE", schema)
    yield from _rights_on_what_comes(duties)
    for schema in wanted.schemas:
        yield Right(Kind.SCHEMA, duties.application, "CREATE", schema)
    for relation in facts.relations:
        if relation.schema in wanted.schemas:
            for role in _readers(duties, relation.kind):
                yield Right(relation.kind, role, "SELECT", relation.name, relation.schema)
            if relation.ours or relation.owner == duties.application:
                for privilege in _PRESENT[relation.kind]:
                    yield Right(relation.kind, duties.application, privilege, relation.name, relation.schema)
    yield from _rights_of_guests(wanted, facts)


def _rights_on_what_comes(duties: Duties) -> Iterator[Right]:
    """Default privileges hold only for what the named role makes, so each of the two makers has its own.

    They are for all schemas: a migration makes its tables in another one, and moves them.
    """
    for kind, everything in _FUTURE.items():
        for role in _readers(duties, kind):
            yield Right(kind, role, "SELECT", duties.application)
            yield Right(kind, role, "SELECT", duties.owner)
        for privilege in everything:
            yield Right(kind, duties.application, privilege, duties.owner)


def _readers(duties: Duties, kind: Kind) -> tuple[str, ...]:
    """Monitoring reads no table; how many keys a sequence has left, nothing but the sequence tells."""
    is_sequence = kind in {Kind.SEQUENCE, Kind.FUTURE_SEQUENCES}
    return (*duties.readers, duties.monitor) if is_sequence else tuple(duties.readers)


def _rights_of_guests(wanted: WantedDatabase, facts: DatabaseFacts) -> Iterator[Right]:
    """Who has rights inside, and came in as everybody could, shall come in by a right of their own."""
    doors = [Right(Kind.DATABASE, PUBLIC, "CONNECT", wanted.name)]
    doors += [Right(Kind.SCHEMA, PUBLIC, "USAGE", schema) for schema in governed_schemas(wanted)]
    for door in doors:
        if door in facts.rights:
            for guest in facts.guests:
                yield Right(door.kind, guest, door.privilege, door.name)


def _rights_after_owners_change(facts: DatabaseFacts, duties: Duties) -> Iterator[Right]:
    """A former owner's rights go with the object to the next one, who has all of them then."""
    owners = {(Kind.SCHEMA, schema.name): schema.owner for schema in facts.schemas}
    owners[Kind.DATABASE, facts.name] = facts.owner
    for right in facts.rights:
        if right.grantee != owners.get((right.kind, right.name)):
            yield right
    for relation in facts.relations:
        if relation.ours and relation.owner != duties.application:
            for privilege in _PRESENT[relation.kind]:
                yield Right(relation.kind, duties.application, privilege, relation.name, relation.schema)


def _is_governed(right: Right, duties: Duties) -> bool:
    """Is a right that nobody wants taken away? Not from what the application has made for itself."""
    if right.grantee in {PUBLIC, duties.application}:
        return right.kind in {Kind.DATABASE, Kind.SCHEMA}
    return right.grantee in {duties.monitor, *duties.readers}


def _is_fenced(right: Right, facts: DatabaseFacts, duties: Duties) -> bool:
    """Does a fence hold the application off here?"""
    if right.grantee != duties.application or not facts.fenced:
        return False
    place = right.name if right.kind is Kind.SCHEMA else right.schema
    fenced = {schema.name for schema in facts.schemas if schema.fenced}
    return right.kind is Kind.DATABASE or place in fenced
