"""Decides where a PostgreSQL schema is not what it should be. Pure.

The schema that should be was made by the same server and read by the same reader, so that expressions and
definitions are the same exactly when their text is.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from opskit.schema.target_schema import PgColumn, PgForeignKey, PgIndex, PgTable, PgTrigger, TargetSchema
from opskit.verify.findings import Difference, Finding
from opskit.verify.unless import check_fails, key_fails, values_differ


def compare_schemas(expected: TargetSchema, found: TargetSchema) -> Iterator[Difference]:
    """What is missing or different in the tables and views that stand in both, triggers included.

    Tables and columns that are missing themselves are not named here, nor are missing views.
    """
    for name, table in expected.tables.items():
        if name in found.tables:
            yield from _table(_Tables(expected, found, f"table {name}"), table, found.tables[name])
    for name, view in expected.views.items():
        there = found.views.get(name)
        if there and there.definition != view.definition:
            yield _note("view_differs", f"view {name}", "is defined differently")
        if there:
            yield from _triggers(f"view {name}", view.triggers, there.triggers)
    yield from _functions(expected, found)


@dataclass(frozen=True, slots=True)
class _Tables:
    """What the comparison of one table needs of both schemas; `what` names the table."""

    expected: TargetSchema
    found: TargetSchema
    what: str


def _table(tables: _Tables, expected: PgTable, found: PgTable) -> Iterator[Difference]:
    if not found.logged:
        yield _note("table_unlogged", tables.what, "is UNLOGGED: a crash of the server empties it")
    # a primary key brings NOT NULL with it, and takes it along
    lost = expected.primary_key.columns if expected.primary_key and not found.primary_key else ()
    for column in expected.columns:
        there = found.column(column.name)
        if there:
            wanted = replace(column, not_null=column.not_null and column.name not in lost)
            what = f"column {column.name} of {tables.what}"
            yield from _generated(what, tables, found, wanted, there)
            yield from _column(what, wanted, there)
    yield from _primary_key(tables, expected, found)
    yield from _indexes(tables, expected, found)
    yield from _checks(tables, expected, found)
    yield from _foreign_keys(tables, expected, found)
    yield from _triggers(tables.what, expected.triggers, found.triggers)


def _column(what: str, expected: PgColumn, found: PgColumn) -> Iterator[Difference]:
    if expected.collation != found.collation:
        yield _fault(
            "collation_differs", what, f"sorts by {_collation(found)} instead of {_collation(expected)}"
        )
    if expected.not_null and not found.not_null:
        yield _fault("not_null_missing", what, "may be NULL")
    elif found.not_null and not expected.not_null:
        yield _note("not_null_added", what, "may not be NULL")
    if expected.default != found.default and found.sequence is None:
        message = _instead("has the default", found.default, expected.default)
        yield Difference(Finding("default_differs", what, message), fault=expected.default is not None)


def _generated(
    what: str, tables: _Tables, table: PgTable, expected: PgColumn, found: PgColumn
) -> Iterator[Difference]:
    if expected.generated == found.generated:
        return
    finding = Finding("generated_differs", what, _instead("is computed", found.generated, expected.generated))
    if expected.generated is None:
        yield Difference(finding, fault=False)
    elif found.generated is None:
        yield Difference(finding, unless=values_differ(tables.found.name, table, found, expected.generated))
    else:
        yield Difference(finding)


def _collation(column: PgColumn) -> str:
    return f"collation {column.collation}" if column.collation else "the database's collation"


def _instead(says: str, found: str | None, expected: str | None) -> str:
    if found is None:
        return f"no longer {says} {expected}"
    return f"{says} {found}" + (f" instead of {expected}" if expected is not None else "")


def _primary_key(tables: _Tables, expected: PgTable, found: PgTable) -> Iterator[Difference]:
    wanted = expected.primary_key.columns if expected.primary_key else ()
    there = found.primary_key.columns if found.primary_key else ()
    if wanted and not there:
        unless = key_fails(tables.found.name, found, wanted, primary=True)
        yield _missing("primary_key", tables.what, f"has no primary key ({', '.join(wanted)})", unless)
    elif wanted and wanted != there:
        message = f"has the primary key ({', '.join(there)}) instead of ({', '.join(wanted)})"
        yield _fault("primary_key_differs", tables.what, message)


def _indexes(tables: _Tables, expected: PgTable, found: PgTable) -> Iterator[Difference]:
    """Indexes are the same when their bodies are: their names are nobody's business."""
    primary = expected.primary_key.name if expected.primary_key else None
    for index in expected.indexes:
        if index.constraint is not None and index.constraint == primary:
            continue
        kind = "unique constraint" if index.constraint else "unique index" if index.unique else "index"
        what = f"{kind} {index.name} of {tables.what}"
        twins = [one for one in found.indexes if one.body == index.body and one.unique >= index.unique]
        if not twins:
            yield _index_missing(what, tables, index, found)
        elif not any(one.valid for one in twins):
            yield _fault("index_invalid", what, "is not valid: REINDEX it")
    bodies = {index.body for index in expected.indexes}
    for index in found.indexes:
        if index.unique and index.body not in bodies and not _is_primary(index, found):
            yield _note(
                "unique_added", f"unique index {index.name} of {tables.what}", "is only in the target"
            )


def _is_primary(index: PgIndex, table: PgTable) -> bool:
    return table.primary_key is not None and index.constraint == table.primary_key.name


def _index_missing(what: str, tables: _Tables, index: PgIndex, found: PgTable) -> Difference:
    namesake = next((one for one in found.indexes if one.name == index.name), None)
    if namesake:
        unique = "not unique and " if index.unique and not namesake.unique else ""
        message = f"is {unique}{namesake.body} instead of {index.body}"
        return _fault("index_differs", what, message)
    schema = tables.found.name
    unless = key_fails(schema, found, index.terms, unique=index.unique, predicate=index.predicate)
    return _missing("index", what, "is missing", unless)


def _checks(tables: _Tables, expected: PgTable, found: PgTable) -> Iterator[Difference]:
    there = {check.expression: check for check in found.checks}
    named = {check.name: check for check in found.checks}
    for check in expected.checks:
        what = f"check {check.name} of {tables.what}"
        if check.expression in there:
            if not there[check.expression].validated:
                yield _note("check_not_valid", what, "is NOT VALID: existing rows may violate it")
        elif check.name in named:
            message = f"is {named[check.name].expression} instead of {check.expression}"
            yield _fault("check_differs", what, message)
        else:
            unless = check_fails(tables.found.name, found, check.expression)
            yield _missing("check", what, f"is missing: {check.expression}", unless)
    wanted = {check.expression for check in expected.checks} | {check.name for check in expected.checks}
    for check in found.checks:
        if check.expression not in wanted and check.name not in wanted:
            what = f"check {check.name} of {tables.what}"
            yield _note("check_added", what, f"is only in the target: {check.expression}")


def _foreign_keys(tables: _Tables, expected: PgTable, found: PgTable) -> Iterator[Difference]:
    there = {_refers(key, tables.found.name): key for key in found.foreign_keys}
    wanted = {_refers(key, tables.expected.name): key for key in expected.foreign_keys}
    for refers, key in wanted.items():
        what = f"foreign key {key.name} of {tables.what}"
        if refers in there:
            yield from _foreign_key(what, key, there[refers])
        elif _has_key(tables.found.tables.get(key.parent), key.parent_columns):
            yield _fault("foreign_key_missing", what, f"to table {key.parent} is missing")
        else:
            yield _note("foreign_key_missing", what, f"is missing: table {key.parent} has no key for it")
    for refers in there.keys() - wanted.keys():
        what = f"foreign key {there[refers].name} of {tables.what}"
        yield _note("foreign_key_added", what, "is only in the target")


_Refers = tuple[tuple[str, ...], str, tuple[str, ...]]


def _refers(key: PgForeignKey, schema: str) -> _Refers:
    """What a foreign key says, whatever its name; a parent of another schema is told by that."""
    parent = key.parent if key.parent_schema == schema else f"{key.parent_schema}.{key.parent}"
    return key.columns, parent, key.parent_columns


def _foreign_key(what: str, expected: PgForeignKey, found: PgForeignKey) -> Iterator[Difference]:
    for clause, wanted, there in (
        ("ON UPDATE", expected.on_update, found.on_update),
        ("ON DELETE", expected.on_delete, found.on_delete),
        ("checked", _when(expected), _when(found)),
    ):
        if wanted != there:
            yield _fault("foreign_key_differs", what, f"says {clause} {there} instead of {wanted}")
    if not found.enforced:
        yield _fault("foreign_key_disabled", what, "is not enforced: its triggers are disabled")
    if not found.validated:
        yield _note("foreign_key_not_valid", what, "is NOT VALID: existing rows may violate it")


def _when(key: PgForeignKey) -> str:
    if not key.deferrable:
        return "at once"
    return "at commit" if key.initially_deferred else "at once unless deferred"


def _has_key(parent: PgTable | None, columns: tuple[str, ...]) -> bool:
    if parent is None:
        return False
    keys = (*parent.unique, *([parent.primary_key] if parent.primary_key else []))
    unique_indexes = [index.terms for index in parent.indexes if index.unique and index.predicate is None]
    return any(sorted(key.columns) == sorted(columns) for key in keys) or columns in unique_indexes


def _triggers(
    what: str, expected: tuple[PgTrigger, ...], found: tuple[PgTrigger, ...]
) -> Iterator[Difference]:
    there = {trigger.name: trigger for trigger in found}
    for trigger in expected:
        name, other = f"trigger {trigger.name} of {what}", there.pop(trigger.name, None)
        if other is None:
            yield _fault("trigger_missing", name, "is missing")
        elif other.definition != trigger.definition:
            yield _fault("trigger_differs", name, f"is {other.definition} instead of {trigger.definition}")
        elif not other.enabled:
            yield _fault("trigger_disabled", name, "is disabled")
    for trigger in there:
        yield _note("trigger_added", f"trigger {trigger} of {what}", "is only in the target")


def _functions(expected: TargetSchema, found: TargetSchema) -> Iterator[Difference]:
    """The functions of triggers; one that is missing took its trigger with it."""
    there = {function.name: function for function in found.functions}
    for function in expected.functions:
        other = there.get(function.name)
        if other and other.source != function.source:
            yield _fault("function_differs", f"function {function.name}", "does something else")


def _fault(code: str, what: str, message: str) -> Difference:
    return Difference(Finding(code, what, message))


def _missing(code: str, what: str, message: str, unless: str) -> Difference:
    return Difference(Finding(f"{code}_missing", what, message), unless=unless)


def _note(code: str, what: str, message: str) -> Difference:
    return Difference(Finding(code, what, message), fault=False)
