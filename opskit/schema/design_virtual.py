"""Virtual tables: what serves their searches on PostgreSQL, and what is told about each.

Their rows are carried as tables and views (`virtual_tables`); here they get search columns and indexes.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from opskit.schema.design import Rule, RuleKind, one_line
from opskit.schema.design_draft import Draft, FreeNames, Told
from opskit.schema.full_text import FullText, as_text, is_castable, read_full_text, search_vector
from opskit.schema.model import Schema, Table, View, VirtualTable, ascii_fold
from opskit.schema.names import fit, quote
from opskit.schema.virtual_tables import extents

_EXTENSION = "CREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA public"
"""Trusted: a database's owner may create it. In `public`, because the staging schema goes."""


@dataclass(frozen=True, slots=True)
class SearchColumn:
    """The tsvector column of a table or view: its name and its expression."""

    name: str
    sql: str


def design_virtual(draft: Draft, free: FreeNames) -> Iterator[Rule | Told]:
    """Search columns and indexes, and one sentence for each virtual table.

    Args:
        free: the names of the schema's relations, which indexes share.
    """
    for virtual in draft.schema.virtual_tables:
        full_text = read_full_text(virtual)
        if full_text is not None:
            yield from _full_text(draft, virtual, full_text, free)
        elif _table(draft.schema, virtual.name) is not None:
            yield from _rtree(draft, virtual, free)
        else:
            yield _left_out(virtual, virtual.problem or "PostgreSQL has nothing like its module")


def search_column(draft: Draft, view: View) -> SearchColumn | None:
    """The search column of a view that stands for a full-text table, None for any other view."""
    declared = (read_full_text(virtual) for virtual in draft.schema.virtual_tables)
    found = next((one for one in declared if one and one.name == view.name), None)
    holder = None if found is None else _table(draft.schema, found.content or "")
    if found is None or holder is None or found.trigrams or _hindrance(draft, found, holder):
        return None
    columns = ((one, quote(draft.names.column(view.name, one))) for one in found.indexed)
    return _search_column(found, [(column, draft.type(holder, one)) for one, column in columns])


def _full_text(
    draft: Draft, virtual: VirtualTable, full_text: FullText, free: FreeNames
) -> Iterator[Rule | Told]:
    if full_text.content == "":
        way = "index the table that holds the text, USING gin (to_tsvector('simple', column))"
        yield _left_out(virtual, f"it keeps no text, only where words are; {way}")
        return
    holder = _table(draft.schema, full_text.content or full_text.name)
    what = f"virtual table {virtual.name} ({virtual.module}) became a"
    became = f"{what} view of {full_text.content}" if full_text.content else f"{what} table"
    hindrance = _hindrance(draft, full_text, holder)
    if holder is None or hindrance:
        yield Told(f"{became} without an index for its searches: {hindrance}")
    elif full_text.trigrams:
        yield _trigram_index(draft, full_text, holder, free)
        yield Told(f"{became} with a trigram index: instead of MATCH 'part' write column ILIKE '%part%'")
    else:
        columns = [(draft.column(holder, one), draft.type(holder, one)) for one in full_text.indexed]
        search = _search_column(full_text, columns)
        yield _search_index(draft, full_text, holder, search, free)
        yield Told(f"{became} with a search column: {_manual(full_text, search)}")


def _hindrance(draft: Draft, full_text: FullText, holder: Table | None) -> str:
    """Why nothing can be made for its searches; empty when something can.

    Args:
        holder: the table that holds the text.
    """
    if holder is None:
        return f"{full_text.content} is no table"
    types = {one: draft.type(holder, one) for one in full_text.indexed}
    unfit = [
        f"column {one} is of type {pg_type}" for one, pg_type in types.items() if not is_castable(pg_type)
    ]
    return ", ".join(unfit) if types else "none of its columns is searched"


def _manual(full_text: FullText, search: SearchColumn) -> str:
    query = f"websearch_to_tsquery('{full_text.configuration}', 'words')"
    limits = [
        *(() if full_text.accents else ("words with accents find only the same accents",)),
        *(("English stop words find nothing",) if full_text.stems else ()),
    ]
    return (
        f"instead of MATCH 'words' write {search.name} @@ {query}, instead of bm25() ts_rank(),"
        f" instead of snippet() and highlight() ts_headline(){''.join(f'; {one}' for one in limits)}"
    )


def _search_column(full_text: FullText, columns: Sequence[tuple[str, str]]) -> SearchColumn:
    """Named so that no column of the table or view is called the same."""
    free = FreeNames(fit, map(ascii_fold, full_text.columns))
    return SearchColumn(free.take("tsv"), search_vector(full_text, columns))


def _search_index(
    draft: Draft, full_text: FullText, holder: Table, search: SearchColumn, free: FreeNames
) -> Rule:
    """A search column and its index; on what holds the text of another, an index of the expression only.

    The column comes after the load: text that is too long for a tsvector must not keep a row from arriving.
    """
    name, table, column = free.take(f"{full_text.name}_search"), draft.relation(holder), quote(search.name)
    added = f"ALTER TABLE {table} ADD COLUMN {column} tsvector GENERATED ALWAYS AS ({search.sql}) STORED; "
    prefix, term = ("", f"({search.sql})") if full_text.content else (added, column)
    statement = f"{prefix}CREATE INDEX {quote(name)} ON {table} USING gin ({term})"
    return Rule(RuleKind.INDEX, name, holder.name, statement, index=statement)


def _trigram_index(draft: Draft, full_text: FullText, holder: Table, free: FreeNames) -> Rule:
    """One index of all columns, which serves each alone; not beside other work, because of the extension."""
    texts = (as_text(draft.column(holder, one), draft.type(holder, one)) for one in full_text.indexed)
    terms = ", ".join(f"({text}) public.gin_trgm_ops" for text in texts)
    name = free.take(f"{full_text.name}_search")
    made = f"CREATE INDEX {quote(name)} ON {draft.relation(holder)} USING gin ({terms})"
    return Rule(RuleKind.INDEX, name, holder.name, f"{_EXTENSION}; {made}")


def _rtree(draft: Draft, virtual: VirtualTable, free: FreeNames) -> Iterator[Rule | Told]:
    what = f"virtual table {virtual.name} ({virtual.module}) became a table"
    table, among = draft.schema.table(virtual.name), extents(virtual)
    if len(among) != 2:
        yield Told(f"{what} without a spatial index, which PostgreSQL has for two dimensions only")
        return
    least, greatest = (draft.columns(table, ends) for ends in zip(*among, strict=True))
    box = f"box(point({least}), point({greatest}))"
    name = free.take(f"{virtual.name}_box")
    statement = f"CREATE INDEX {quote(name)} ON {draft.relation(table)} USING gist ({box})"
    yield Rule(RuleKind.INDEX, name, table.name, statement, index=statement)
    asked = "box(point(left, bottom), point(right, top))"
    yield Told(f"{what}: its queries give the same rows, the index is used for {box} && {asked}")


def _left_out(virtual: VirtualTable, reason: str) -> Told:
    what = f"virtual table {virtual.name} ({virtual.module})"
    return Told(f"{what} was not migrated: {reason}; its SQL is {one_line(virtual.sql)}")


def _table(schema: Schema, name: str) -> Table | None:
    folded = ascii_fold(name)
    return next((one for one in schema.tables if ascii_fold(one.name) == folded), None)
