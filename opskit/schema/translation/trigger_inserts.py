"""INSERT in a trigger's body, with what it does about rows that are already there."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlglot import exp

from opskit.schema.model import Column, ForeignKey, Index, Table, Trigger, ascii_fold
from opskit.schema.names import quote
from opskit.schema.translation.defaults import translate_default
from opskit.schema.translation.result import Translation, Unsupported
from opskit.schema.translation.select import Shape
from opskit.schema.translation.storing import stored_as
from opskit.schema.translation.syntax import Node, child, children, flag, original, required, word
from opskit.schema.translation.trigger_steps import Body, Target
from opskit.schema.translation.trigger_text import UNACTING, read_all
from opskit.schema.translation.values import Value

ROW = "opskit_row"
"""The PL/pgSQL variable that holds one row of a source while it is written."""


@dataclass(frozen=True, slots=True)
class _Stored(Shape):
    """Columns as a table stores them.

    Attributes:
        types: of the table's columns; None for one that is left to the table.
        defaults: SQL that takes the place of NULL, empty where NULL stays.
    """

    types: tuple[str | None, ...] = ()
    defaults: tuple[str, ...] = ()

    def columns(self, values: Sequence[Value]) -> list[str]:
        """SQL of the values, without names."""
        return [
            _term(value, type_, default)
            for value, type_, default in zip(values, self.types, self.defaults, strict=True)
            if type_ is not None
        ]


def _term(value: Value, type_: str, default: str) -> str:
    sql = stored_as(value, type_)
    if default:
        return f"COALESCE({sql}, {default})"
    return f"NULL::{type_}" if sql == "NULL" else sql


@dataclass(frozen=True, slots=True)
class _Insert:
    """An INSERT with its parts resolved.

    Attributes:
        columns: the columns that get a value, in the order of the source; not those left to the table.
        source: a query that returns the values in these columns, named like them.
        rows: the same as it may stand behind INSERT.
        single: the source is one row.
    """

    target: Target
    columns: tuple[Column, ...]
    values: tuple[tuple[Value, ...], ...]
    source: str
    rows: str
    single: bool

    def listed(self) -> str:
        """The columns, quoted."""
        return ", ".join(self.target.quoted(one) for one in self.columns)

    def all_rows(self, source: str, suffix: str = "") -> list[str]:
        """Inserts what the source returns in one statement."""
        return [f"INSERT INTO {self.target.relation.qualifier} ({self.listed()}) {source}{suffix};"]

    def row_by_row(self, suffix: str = "", before: Sequence[str] = ()) -> list[str]:
        """Inserts the source's rows one after the other, as SQLite does, so that one may replace another."""
        row = ", ".join(f"{ROW}.{self.target.quoted(one)}" for one in self.columns)
        lines = [*before, *self.all_rows(f"VALUES ({row})", suffix)]
        return [f"FOR {ROW} IN {self.source} LOOP", *(f"  {line}" for line in lines), "END LOOP;"]


def insert(node: Node, body: Body) -> list[str]:
    """PL/pgSQL of the INSERT.

    Raises:
        Unsupported: it cannot be translated exactly.
    """
    head, policy = required(node, "this"), word(node, "alternative").upper()
    target = body.target(required(head, "this") if isinstance(head, exp.Schema) else head)
    target.refuse_conflicts()
    if flag(node, "default"):
        return [f"INSERT INTO {target.relation.qualifier} DEFAULT VALUES;"]
    names = [word(one) for one in children(head, "expressions")]
    columns = [target.column(name) for name in names] if names else _written_columns(target)
    parts = _resolved(required(node, "expression"), target, columns, policy, body)
    conflict = child(node, "conflict")
    if conflict is not None and not policy:
        return _upsert(parts, conflict, body)
    if conflict is not None or policy not in {"", "ABORT", "IGNORE", "REPLACE"}:
        raise Unsupported(f"{original(node)} is not translated")
    if policy == "REPLACE":
        return _replace(parts, body)
    return _ignore(parts) if policy == "IGNORE" else parts.all_rows(parts.rows)


def _written_columns(target: Target) -> list[Column]:
    written = (one for one in target.table.columns if one.generated is None and not one.hidden)
    return [target.column(one.name) for one in written]


def _resolved(node: Node, target: Target, columns: Sequence[Column], policy: str, body: Body) -> _Insert:
    if child(node, "with_") is not None or _is_cut(node):
        raise Unsupported(f"{original(node)} is not translated")
    plan = body.selects.plan(node, body.rows)
    if len(plan.columns) != len(columns):
        raise Unsupported(f"{len(plan.columns)} values are written to {len(columns)} columns")
    pairs = list(zip(columns, plan.columns, strict=True))
    given = [pair for pair in pairs if not _is_generated_key(*pair, target.table)]
    kept = tuple(column for column, _ in given)
    shape = _shape(columns, kept, target, replaces=policy == "REPLACE")
    source = plan.render(shape)
    is_list = isinstance(node, exp.Values)
    listed = [f"({', '.join(shape.columns(row))})" for row in zip(*plan.columns, strict=True)]
    return _Insert(
        target,
        kept,
        tuple(values for _, values in given),
        source,
        f"VALUES {', '.join(listed)}" if is_list else source,
        single=is_list and len(listed) == 1,
    )


def _is_cut(node: Node) -> bool:
    """Whether rows are ordered or left out after the columns have been put into their types."""
    plain = isinstance(node, exp.Select) and not flag(node, "distinct")
    return not plain and (child(node, "order") is not None or child(node, "limit") is not None)


def _is_generated_key(column: Column, values: Sequence[Value], table: Table) -> bool:
    """NULL for an INTEGER PRIMARY KEY asks for the next key."""
    nulls = [one.constant and one.literal is None for one in values]
    if column.name != table.rowid_alias or not any(nulls):
        return False
    if not all(nulls):
        raise Unsupported(f"it leaves the key of {table.name} to SQLite in some of its rows only")
    return True


def _shape(columns: Sequence[Column], kept: Sequence[Column], target: Target, *, replaces: bool) -> _Stored:
    names = [target.names.column(target.table.name, one.name) for one in kept]
    types = tuple(target.type(one) if one in kept else None for one in columns)
    defaults = tuple(_instead_of_null(one, target) if replaces else "" for one in columns)
    return _Stored(tuple(names), (), casts=True, types=types, defaults=defaults)


def _instead_of_null(column: Column, target: Target) -> str:
    """What REPLACE puts where NULL may not stand."""
    if not column.not_null or column.default is None:
        return ""
    default = translate_default(column, target.type(column))
    if not isinstance(default, Translation):
        raise Unsupported(f"the default of {column.name} is not translated")
    return default.sql


def _ignore(parts: _Insert) -> list[str]:
    """INSERT OR IGNORE: leaves out what a key, NOT NULL or CHECK forbids."""
    table = parts.target.table
    if table.checks:
        raise Unsupported(f"INSERT OR IGNORE into {table.name} ignores rows that its CHECK forbids")
    strict = [
        one
        for one, values in zip(parts.columns, parts.values, strict=True)
        if _is_required(one, table) and not all(_is_something(value) for value in values)
    ]
    tests = " AND ".join(f"{quote('rows')}.{parts.target.quoted(one)} IS NOT NULL" for one in strict)
    kept = f"SELECT * FROM ({parts.source}) AS {quote('rows')} WHERE {tests}" if tests else parts.rows
    return parts.all_rows(kept, " ON CONFLICT DO NOTHING")


def _is_required(column: Column, table: Table) -> bool:
    return column.not_null or (table.without_rowid and column.name in table.primary_key)


def _is_something(value: Value) -> bool:
    return value.constant and value.literal is not None


def _upsert(parts: _Insert, conflict: Node, body: Body) -> list[str]:
    """INSERT … ON CONFLICT (…) DO …"""
    keys = [child(one, "this") for one in children(conflict, "conflict_keys")]
    nothing = word(conflict, "action").upper() == "DO NOTHING"
    if child(conflict, "index_predicate") is not None or not all(isinstance(one, exp.Column) for one in keys):
        raise Unsupported(f"{original(conflict)} is not translated")
    wanted = [parts.target.column(word(one)) for one in keys if one is not None]
    if not wanted and nothing:
        return parts.all_rows(parts.rows, " ON CONFLICT DO NOTHING")
    known = [_folded(one) for one in _keys(parts.target.table)]
    if _folded([one.name for one in wanted]) not in known:
        raise Unsupported(f"{original(conflict)} names no unique key of {parts.target.table.name}")
    listed = f" ON CONFLICT ({', '.join(parts.target.quoted(one) for one in wanted)}) DO"
    if nothing:
        return parts.all_rows(parts.rows, f"{listed} NOTHING")
    return _written(parts, f"{listed} UPDATE SET {_changes(conflict, parts.target, body)}")


def _changes(conflict: Node, target: Target, body: Body) -> str:
    excluded = target.relation.aside("excluded", "EXCLUDED")
    expressions = body.expressions(target.relation, excluded)
    assigned = body.assignments(children(conflict, "expressions"), target, expressions)
    return f"{assigned}{body.where(conflict, expressions)}"


def _written(parts: _Insert, suffix: str) -> list[str]:
    return parts.all_rows(parts.rows, suffix) if parts.single else parts.row_by_row(suffix)


def _replace(parts: _Insert, body: Body) -> list[str]:
    """INSERT OR REPLACE: what collides goes, whichever key it collides on, without firing its triggers."""
    target, what = parts.target, f"INSERT OR REPLACE into {parts.target.table.name}"
    keys = _colliding(parts)
    if not keys:
        return parts.all_rows(parts.rows)
    actions = {key.on_delete for key in _references(target.table, body.schema.tables)}
    events = {text.event for one, text in read_all(body.schema) if _is_on(one, target.table)}
    if len(keys) == 1 and parts.single and not events and not actions - UNACTING:
        return parts.all_rows(parts.rows, _overwriting(keys[0], target))
    if "DELETE" in events:
        raise Unsupported(f"{what} would fire its DELETE triggers on PostgreSQL")
    if actions & UNACTING:
        raise Unsupported(f"{what}, to which other tables refer, is not translated")
    return parts.row_by_row(before=[_removal(keys, target)])


def _is_on(trigger: Trigger, table: Table) -> bool:
    return ascii_fold(trigger.table) == ascii_fold(table.name)


def _overwriting(key: Sequence[str], target: Target) -> str:
    names = [
        target.quoted(one) for one in _written_columns(target) if ascii_fold(one.name) not in _folded(key)
    ]
    changes = ", ".join(f"{name} = EXCLUDED.{name}" for name in names)
    listed = ", ".join(target.quoted(one) for one in key)
    return f" ON CONFLICT ({listed}) DO {f'UPDATE SET {changes}' if changes else 'NOTHING'}"


def _removal(keys: Sequence[Sequence[str]], target: Target) -> str:
    qualifier = target.relation.qualifier
    tests = [
        " AND ".join(f"{qualifier}.{target.quoted(one)} = {ROW}.{target.quoted(one)}" for one in key)
        for key in keys
    ]
    return f"DELETE FROM {qualifier} WHERE {' OR '.join(f'({test})' for test in tests)};"


def _keys(table: Table) -> list[tuple[str, ...]]:
    """The unique keys of plain columns, without repetition."""
    plain = [
        tuple(term.column for term in index.terms if term.column is not None)
        for index in table.indexes
        if index.unique and _is_plain(index)
    ]
    keys: dict[frozenset[str], tuple[str, ...]] = {}
    for key in [table.primary_key, *plain] if table.primary_key and _has_plain_key(table) else plain:
        keys.setdefault(_folded(key), key)
    return list(keys.values())


def _has_plain_key(table: Table) -> bool:
    return all(collation == "BINARY" for collation in table.key_collations)


def _is_plain(index: Index) -> bool:
    terms = all(term.column is not None and term.collation == "BINARY" for term in index.terms)
    return terms and index.predicate is None


def _folded(names: Sequence[str]) -> frozenset[str]:
    return frozenset(ascii_fold(one) for one in names)


def _colliding(parts: _Insert) -> list[tuple[str, ...]]:
    """The keys on which a new row may collide with one that is there; a key that is NULL never does."""
    table, given = parts.target.table, _folded([one.name for one in parts.columns])
    if not _has_plain_key(table) or not all(_is_plain(index) for index in table.indexes if index.unique):
        raise Unsupported(f"INSERT OR REPLACE into {table.name} goes by a unique index of more than columns")
    keys = [key for key in _keys(table) if key != (table.rowid_alias,) or _folded(key) <= given]
    for name in (name for key in keys for name in key if ascii_fold(name) not in given):
        if table.column(name).default is not None:
            raise Unsupported(f"INSERT OR REPLACE into {table.name} leaves the key's column {name} out")
    return [key for key in keys if _folded(key) <= given]


def _references(table: Table, tables: Sequence[Table]) -> list[ForeignKey]:
    keys = (key for one in tables for key in one.foreign_keys)
    return [key for key in keys if ascii_fold(key.parent) == ascii_fold(table.name)]
