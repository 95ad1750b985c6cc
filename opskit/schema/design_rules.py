"""Rules of one table: primary key, unique constraints, indexes, defaults, checks."""

from collections.abc import Iterator

from opskit.schema.design import Rule, RuleKind
from opskit.schema.design_draft import Draft, FreeNames, Told, remarks, translated
from opskit.schema.design_foreign_keys import is_referred_to
from opskit.schema.model import Check, Column, Index, IndexTerm, Table
from opskit.schema.names import quote
from opskit.schema.translation import (
    translate_check,
    translate_default,
    translate_index_expression,
    translate_predicate,
)
from opskit.schema.translation.collations import collated, is_known


def design_rules(
    draft: Draft, table: Table, free: FreeNames, constraints: FreeNames
) -> Iterator[Rule | Told]:
    """Everything that is added to the loaded table, foreign keys apart.

    Args:
        free: the names of the schema's relations, which indexes share.
        constraints: the names of the table's constraints.
    """
    if table.primary_key:
        name = constraints.take(free.take(f"{table.name}_pkey"))
        yield key(draft, RuleKind.PRIMARY_KEY, name, table, draft.columns(table, table.primary_key))
        yield from _key_by_collation(draft, table, free)
    for index in table.indexes:
        yield from _index(draft, table, index, free)
    for column in table.columns:
        if column.default is not None and not column.generated and column.name != table.rowid_alias:
            yield from _default(draft, table, column, column.default)
    for number, check in enumerate(table.checks, 1):
        yield _check(draft, table, check, constraints.take(check.name or f"{table.name}_check{number}"))


def key(draft: Draft, kind: RuleKind, name: str, table: Table, columns: str) -> Rule:
    """A primary key or unique constraint; its index can be built first, while other tables are worked on."""
    relation = draft.relation(table)
    add = f"ALTER TABLE {relation} ADD CONSTRAINT {quote(name)}"
    word = {RuleKind.PRIMARY_KEY: "PRIMARY KEY", RuleKind.UNIQUE: "UNIQUE"}[kind]
    return Rule(
        kind,
        name,
        table.name,
        statement=f"{add} {word} ({columns})",
        # SQLite lets NULL into most primary keys, PostgreSQL into none
        fallback=f"{add} UNIQUE USING INDEX {quote(name)}" if kind is RuleKind.PRIMARY_KEY else None,
        index=f"CREATE UNIQUE INDEX {quote(name)} ON {relation} ({columns})",
        attach=f"{add} {word} USING INDEX {quote(name)}",
    )


def _check(draft: Draft, table: Table, check: Check, name: str) -> Rule | Told:
    result = translate_check(check, table, draft.types_of(table), draft.names)
    sql = translated(result, f"check {name} of table {table.name}", check.expression)
    if isinstance(sql, Told):
        return sql
    statement = f"ALTER TABLE {draft.relation(table)} ADD CONSTRAINT {quote(name)} CHECK ({sql})"
    return Rule(RuleKind.CHECK, name, table.name, statement, f"{statement} NOT VALID")


def _default(draft: Draft, table: Table, column: Column, default: str) -> Iterator[Rule | Told]:
    what = f"default of column {column.name} of table {table.name}"
    result = translate_default(column, draft.type(table, column.name))
    sql = translated(result, what, default)
    if isinstance(sql, Told):
        yield sql
        return
    yield from remarks(result, what)
    name = draft.column(table, column.name)
    statement = f"ALTER TABLE {draft.relation(table)} ALTER COLUMN {name} SET DEFAULT {sql}"
    yield Rule(RuleKind.DEFAULT, column.name, table.name, statement)


def _key_by_collation(draft: Draft, table: Table, free: FreeNames) -> Iterator[Rule | Told]:
    """What keeps a primary key unique by its collation too, beside the key itself."""
    pairs = zip(table.primary_key, table.key_collations, strict=False)
    terms = tuple(IndexTerm(column, collation=collation) for column, collation in pairs)
    if not all(_is_plain(draft, table, term) for term in terms):
        yield from _index(draft, table, Index("", table.name, terms, unique=True, constraint=True), free)


def _index(draft: Draft, table: Table, index: Index, free: FreeNames) -> Iterator[Rule | Told]:
    columns = tuple(term.column for term in index.terms if term.column is not None)
    plain = all(_is_plain(draft, table, term) for term in index.terms)
    if index.constraint and plain:
        yield _unique(draft, table, columns, free)
        return
    what = f"index {index.name} of table {table.name}"
    predicate = _predicate(draft, table, index, what)
    terms = [_term(draft, table, term, what) for term in index.terms]
    untranslated = [one for one in (*terms, predicate) if isinstance(one, Told)]
    if untranslated:
        yield from untranslated
        return
    name = free.take(_key_name(table, *columns) if index.constraint else index.name)
    unique = "UNIQUE " if index.unique else ""
    body = ", ".join(map(str, terms))
    statement = f"CREATE {unique}INDEX {quote(name)} ON {draft.relation(table)} ({body}){predicate}"
    kind = RuleKind.UNIQUE if index.constraint else RuleKind.INDEX
    yield Rule(kind, name, table.name, statement, index=statement)
    whole = index.unique and index.predicate is None and len(columns) == len(terms)
    if whole and not plain and is_referred_to(draft, table, columns):
        yield _unique(draft, table, columns, free)  # only a key of plain columns can be referred to


def _unique(draft: Draft, table: Table, columns: tuple[str, ...], free: FreeNames) -> Rule:
    name = free.take(_key_name(table, *columns))
    return key(draft, RuleKind.UNIQUE, name, table, draft.columns(table, columns))


def _key_name(table: Table, *columns: str) -> str:
    return "_".join((table.name, *columns, "key"))


def _predicate(draft: Draft, table: Table, index: Index, what: str) -> str | Told:
    if index.predicate is None:
        return ""
    result = translate_predicate(index.predicate, table, draft.types_of(table), draft.names)
    sql = translated(result, what, index.predicate)
    return sql if isinstance(sql, Told) else f" WHERE {sql}"


def _term(draft: Draft, table: Table, term: IndexTerm, what: str) -> str | Told:
    if term.column is not None:
        column = draft.column(table, term.column)
        sql = column if _is_plain(draft, table, term) else collated(column, term.collation)
    else:
        text = f"({term.expression}) COLLATE {quote(term.collation)}"
        result = translate_index_expression(text, table, draft.types_of(table), draft.names)
        found = translated(result, what, term.expression or "")
        if isinstance(found, Told):
            return found
        sql = f"({found})"
    return f"{sql} DESC" if term.descending else sql


def _is_plain(draft: Draft, table: Table, term: IndexTerm) -> bool:
    """Whether the column by itself compares as the term does, or as well as PostgreSQL can know."""
    if term.column is None:
        return False
    other = draft.type(table, term.column) != "text"
    return other or term.collation == "BINARY" or not is_known(term.collation)
