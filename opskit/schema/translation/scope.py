"""What names mean: the relations of a FROM clause, their columns, and the scopes around them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from opskit.schema.model import Affinity, Table, ascii_fold
from opskit.schema.names import NameMap, quote
from opskit.schema.translation.result import Unsupported
from opskit.schema.translation.values import Kind, Moment, Value, Whole

_KINDS = {
    "boolean": Kind.BOOLEAN,
    "bigint": Kind.INTEGER,
    "integer": Kind.INTEGER,
    "smallint": Kind.INTEGER,
    "double precision": Kind.REAL,
    "real": Kind.REAL,
    "text": Kind.TEXT,
    "bytea": Kind.BLOB,
    "date": Kind.DATE,
    "timestamp with time zone": Kind.TIMESTAMP,
    "jsonb": Kind.JSON,
    "json": Kind.JSON,
}
ROWID = frozenset({"rowid", "oid", "_rowid_"})
"""SQLite's names for a row's number, unless a column bears them."""

_EXACT_DIGITS, _EXACT_PLACES = 15, 4
"""SQLite writes a REAL with 15 significant digits, and below 1e-4 with an exponent."""


@dataclass(frozen=True, slots=True)
class Field:
    """A column that a relation offers: its name on either side, and its value without any SQL yet.

    Attributes:
        listed: `*` includes it.
    """

    name: str
    target: str
    value: Value
    listed: bool = True


@dataclass(frozen=True, slots=True)
class Relation:
    """Something that can stand in FROM.

    Attributes:
        name: what its columns can be qualified with, as written.
        qualifier: the quoted alias on PostgreSQL, empty where columns stand alone.
        key: the columns that every other column depends on, empty when none is known.
        hidden: columns that `*` leaves out, because USING or NATURAL has merged them.
    """

    name: str
    qualifier: str
    fields: tuple[Field, ...]
    rowid: str | None = None
    key: tuple[str, ...] = ()
    hidden: frozenset[str] = frozenset()

    def find(self, name: str) -> Value | None:
        """The column of that name, or None."""
        folded = ascii_fold(name)
        found = next((field for field in self.fields if ascii_fold(field.name) == folded), None)
        if found is None and folded in ROWID and self.rowid is not None:
            return self.find(self.rowid)
        return self.qualified(found) if found else None

    def qualified(self, field: Field) -> Value:
        """The field's value as an expression of the query."""
        column = f"{self.qualifier}.{quote(field.target)}" if self.qualifier else quote(field.target)
        value = replace(field.value, sql=column)
        if value.kind is Kind.TIMESTAMP:
            return replace(value, moment=Moment(f"({column} AT TIME ZONE 'UTC')", 19))
        if value.kind is Kind.DATE:
            return replace(value, moment=Moment(f"{column}::timestamp", 10))
        return value

    def aside(self, name: str, qualifier: str) -> "Relation":
        """The same columns for one who says the name before them: NEW, OLD, excluded."""
        hidden = frozenset(ascii_fold(field.name) for field in self.fields) | ROWID
        return replace(self, name=name, qualifier=qualifier, hidden=hidden)

    def visible(self) -> list[Field]:
        """The columns that `*` stands for."""
        shown = (field for field in self.fields if field.listed)
        return [field for field in shown if ascii_fold(field.name) not in self.hidden]


@dataclass(frozen=True, slots=True)
class Scope:
    """The relations in reach, inner ones first."""

    relations: tuple[Relation, ...] = ()
    outer: "Scope | None" = None

    def column(self, name: str, qualifier: str = "") -> Value | None:
        """The column of that name, None when nothing offers it.

        Raises:
            Unsupported: a rowid that no column holds on PostgreSQL.
        """
        found = self.local(name, qualifier)
        if found is not None:
            return found
        if self.outer is not None:
            return self.outer.column(name, qualifier)
        if ascii_fold(name) in ROWID:
            raise Unsupported(f"{name} is not a column on PostgreSQL: no INTEGER PRIMARY KEY holds it")
        return None

    def local(self, name: str, qualifier: str = "") -> Value | None:
        """The column of that name in this scope alone."""
        offers = [one for one in self._named(qualifier) if qualifier or ascii_fold(name) not in one.hidden]
        return next((found for found in (one.find(name) for one in offers) if found is not None), None)

    def relation(self, qualifier: str) -> Relation | None:
        """The relation in FROM that goes by that name."""
        return next(iter(self._named(qualifier)), None)

    def _named(self, qualifier: str) -> Iterable[Relation]:
        folded = ascii_fold(qualifier)
        return [one for one in self.relations if not qualifier or ascii_fold(one.name) == folded]


def of_table(
    table: Table, types: Mapping[str, str], names: NameMap, *, name: str = "", qualifier: str = ""
) -> Relation:
    """A table as a relation.

    Raises:
        Unsupported: the type of a column is not known.
    """
    fields: list[Field] = []
    for column in table.columns:
        pg_type = types.get(ascii_fold(column.name))
        if pg_type is not None:
            value = _value(pg_type, column.affinity, column.collation, column.declared)
            target = names.column(table.name, column.name)
            fields.append(Field(column.name, target, value, listed=not column.hidden))
    return Relation(name or table.name, qualifier, tuple(fields), table.rowid_alias, table.primary_key)


def _value(pg_type: str, affinity: Affinity, collation: str, declared: str) -> Value:
    kind = kind_of(pg_type)
    whole = {Kind.BOOLEAN: Whole.ALWAYS, Kind.INTEGER: Whole.ALWAYS}.get(kind, Whole.UNKNOWN)
    if kind in {Kind.REAL, Kind.NUMERIC}:
        whole = {Affinity.REAL: Whole.NEVER, Affinity.NUMERIC: Whole.IF_INTEGRAL}.get(affinity, Whole.UNKNOWN)
    places = _places(pg_type) if kind is Kind.NUMERIC else None
    certain = kind is not Kind.TEXT or not _may_hold_numbers(affinity, declared)
    return Value("", kind, affinity, collation.upper(), whole=whole, places=places, certain=certain)


def kind_of(pg_type: str) -> Kind:
    """How a PostgreSQL type is treated."""
    if pg_type.startswith("numeric"):
        return Kind.NUMERIC
    if pg_type.startswith(("character varying", "character(")):
        return Kind.TEXT
    return _KINDS.get(pg_type, Kind.OTHER)


def _places(pg_type: str) -> int | None:
    digits = [int(one) for one in pg_type.removeprefix("numeric(").rstrip(")").split(",") if one.isdigit()]
    if len(digits) == 2 and digits[0] <= _EXACT_DIGITS and 0 <= digits[1] <= _EXACT_PLACES:
        return digits[1]
    return None


def _may_hold_numbers(affinity: Affinity, declared: str) -> bool:
    """Whether a text column may be one because its values were a mixture, not because they are texts.

    A date or JSON type has NUMERIC affinity too, but means texts.
    """
    if affinity is Affinity.NUMERIC:
        return not any(
            word in declared.upper() for word in ("DATE", "TIME", "JSON", "STRING", "UUID", "ENUM")
        )
    return affinity in {Affinity.INTEGER, Affinity.REAL}
