"""SQLite databases nobody would think of: strategies for names, types, values, rules and whole databases.

A database is a tuple of statements. SQLite may refuse some of them (a name twice, a rule that a row breaks):
`build` leaves those out, so that strategies need not know SQLite's rules.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import apsw
from hypothesis import strategies as st

Statements = tuple[str, ...]


def build(file: Path, statements: Statements) -> Path:
    """The database of all statements that SQLite accepts."""
    connection = apsw.Connection(str(file))
    try:
        connection.execute("PRAGMA synchronous = off; PRAGMA recursive_triggers = off")
        connection.execute("BEGIN")
        for statement in statements:
            with suppress(apsw.Error):
                connection.execute(statement).fetchall()
        connection.execute("COMMIT")
    finally:
        connection.close()
    return file


def quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def literal(value: float | str | bytes | None) -> str:
    """The value as a SQLite literal; text beyond plain ASCII by its characters, whatever the encoding."""
    match value:
        case None:
            return "NULL"
        case bytes():
            return f"x'{value.hex()}'"
        case str() if value.isascii() and value.isprintable():
            return "'" + value.replace("'", "''") + "'"
        case str():
            codes = [str(ord(character)) for character in value]
            parts = (codes[start : start + 99] for start in range(0, len(codes), 99))
            return " || ".join(f"char({', '.join(part)})" for part in parts)
        case float():
            return repr(value).replace("inf", "9e999")
        case int():
            return str(value) if value > -(2**63) else "(-9223372036854775807 - 1)"


# Names

_ODD_NAMES = (
    "select", "order", "user", "table", "group", "oid", "ctid", "xmin", "tableoid", "rowid", "_rowid_", "Id",
    "ID", "two words", 'say "hi"', "it's", "a.b", "a;b", "--", "100%", "{x}", "%s", ":p", "$1", "?", "\\",
    "straße", "größe", "名前", "🐘", "e\u0301", "\u00e9", "tab\there", "line\nbreak", " ", "", "a ", "A",
    "n" * 63, "n" * 64, "n" * 63 + "x", "ö" * 40, "🐘" * 16, "İ", "t_pkey", "t_id_seq", "a_key", "pg_class",
    "pg_x", "opskit_staging", "default", "excluded", "new", "old", "references", "value", "index", "public",
)  # fmt: skip
NAMES = (
    st.sampled_from(("t", "a", "b", "id", "name"))
    | st.sampled_from(_ODD_NAMES)
    | st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), max_size=6)
)


# Values, as literals

_EDGES = (0, 1, -1, 2**31 - 1, 2**31, 2**53, 2**53 + 1, 2**63 - 1, -(2**63), 10**15, -(10**18))
_FLOAT_EDGES = (
    0.0, -0.0, 0.1, 1.0, -1.5, 1e15, 1e22, 5e-324, 1.7976931348623157e308, float("inf"), -float("inf"),
)  # fmt: skip
_TEXT_EDGES = (
    "", " ", "a", "A", "ä", "a ", "0", "1", "01", "1.0", " 1", "1e3", "0x10", "9223372036854775808", "inf",
    "NaN", "true", "yes", "NULL", "\\N", "\\.", "\\", "\\x41", "it's", '"', "\t", "\n", "\r\n", "\x01",
    "\x07", "\x08", "\x0b", "\x1a", "\x1b", "\x1c", "\x1d", "\x1e", "\x1f", "\x1f\x1e", "\x7f", "\x85",
    "\u2028", "\ufeff", "🐘", "e\u0301", "[]", "{", "2024-02-30", "12:30", "now", "n/a", "{}", "-",
    "x" * 9000, "ö" * 3000,
)  # fmt: skip
_MOMENTS = (
    "2024-01-31", "2024-02-29 23:59:59", "2024-03-10 02:30:00", "2024-11-03T01:30:00Z",
    "2024-01-01T00:00:00+05:30", "2024-01-01 00:00:00.5", "2024-01-01 00:00:00.123456", "2024-01-01 10:00",
    "0001-01-01", "9999-12-31 23:59:59", "1969-12-31 23:59:59.999999", "2024-01-01 10:00:00 +0100",
    "2024-01-01t10:00:00z",
)  # fmt: skip
_ODD_MOMENTS = (
    "", "2024-02-30", "24:00:00", "2024-01-01 24:00:00", "2024-06-30 23:59:60",
    "2024-01-01 00:00:00.1234567", "-0001-01-01", "10000-01-01", "01/02/2024", "soon", "20240101",
    "2024-1-1",
)  # fmt: skip
_JSON = (
    "{}", "[]", "null", "1", "1.50", '"x"', '{"b": 1, "a": [true, null, "\\u00e9"]}',
    '{"n": 12345678901234567890}', '{"x": 1e3, "y": -0.0}', " [1,2 , 3] ", '{"": ""}', '"\\ud83d\\udc18"',
)  # fmt: skip
_ODD_JSON = (
    "", "{", "nul", "{'a': 1}", '{"a": 1, "a": 2}', '"\\u0000"', "NaN", '"\\ud800"', "[1,]", "1e999999",
)  # fmt: skip
_BAD_TEXT = (
    "CAST(x'ff' AS TEXT)", "CAST(x'61006200' AS TEXT)", "CAST(x'eda080' AS TEXT)", "CAST(x'c3' AS TEXT)",
)  # fmt: skip

NULL = st.just("NULL") | st.just("9e999 - 9e999")  # SQLite has no NaN
INTEGERS = (st.integers(-3, 3) | st.sampled_from(_EDGES) | st.integers(-(2**63), 2**63 - 1)).map(literal)
FLOATS = (st.sampled_from(_FLOAT_EDGES) | st.floats(allow_nan=False)).map(literal)
TEXTS = (
    st.sampled_from(_TEXT_EDGES)
    | st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), max_size=20)
).map(literal)
_BLOB_EDGES = (b"", b"\0", b"a", b"\x1e\x1f", b"\xff" * 9000)
BLOBS = (st.sampled_from(_BLOB_EDGES) | st.binary(max_size=20)).map(literal)
BOOLEANS = st.sampled_from(("0", "1"))
ODD_BOOLEANS = st.sampled_from(("2", "'true'", "'t'", "'yes'", "''", "1.0", "-1"))
DECIMALS = st.decimals(-(10**6), 10**6, places=2).map(str)
ODD_DECIMALS = st.sampled_from(("1.005", "123456789012345678", "1e10", "'n/a'", "'1,5'", "9e999", "0.1+0.2"))
MOMENTS = st.sampled_from(_MOMENTS).map(literal)
EPOCHS = st.sampled_from(("1700000000", "1700000000123", "2460000.5"))
ODD_MOMENTS = st.sampled_from(_ODD_MOMENTS).map(literal) | EPOCHS
JSON = st.sampled_from(_JSON).map(literal)
ODD_JSON = st.sampled_from(_ODD_JSON).map(literal)
UUIDS = st.uuids().map(lambda one: literal(str(one)))
ANY = INTEGERS | FLOATS | TEXTS | BLOBS | MOMENTS | ODD_JSON


# Columns

_DECLARED = {
    "": (INTEGERS | TEXTS, ANY),
    "INTEGER": (INTEGERS, ANY), "INT": (INTEGERS, ANY), "UNSIGNED BIG INT": (INTEGERS, ANY),
    "SMALLINT": (st.integers(-9, 9).map(str), INTEGERS), "POINT": (INTEGERS, ANY),
    "REAL": (FLOATS, ANY), "DOUBLE PRECISION": (FLOATS, INTEGERS), "FLOAT": (FLOATS | INTEGERS, ANY),
    "TEXT": (TEXTS, ANY), "VARCHAR(10)": (TEXTS, ANY), "CHAR(3)": (TEXTS, ANY), "CLOB": (TEXTS | JSON, BLOBS),
    "BLOB": (BLOBS, ANY), "VARBINARY(16)": (BLOBS, ANY), "ANY": (TEXTS | INTEGERS, ANY),
    "NUMERIC": (INTEGERS | DECIMALS, ANY), "DECIMAL(10,2)": (DECIMALS, ODD_DECIMALS | ANY),
    "DECIMAL(3)": (st.integers(-999, 999).map(str), DECIMALS), "DECIMAL(3,5)": (DECIMALS, ODD_DECIMALS),
    "MONEY": (DECIMALS, ODD_DECIMALS), "BOOLEAN": (BOOLEANS, ODD_BOOLEANS | ANY), "BOOL": (BOOLEANS, ANY),
    "DATETIME": (MOMENTS, ODD_MOMENTS | ANY), "TIMESTAMP": (MOMENTS, ODD_MOMENTS | ANY),
    "TIMESTAMP WITH TIME ZONE": (MOMENTS, ODD_MOMENTS), "TIME": (st.just("'12:30:00'"), ODD_MOMENTS),
    "DATE": (st.dates().map(lambda day: literal(str(day))), MOMENTS | ODD_MOMENTS),
    "JSON": (JSON, ODD_JSON | ANY), "JSONB": (JSON, ODD_JSON | BLOBS), "UUID": (UUIDS, TEXTS),
    "STRING": (TEXTS, ANY), "FOO BAR": (INTEGERS, ANY), '"odd ""type"""': (TEXTS, ANY), "NULL": (NULL, ANY),
}  # fmt: skip
"""Declared type → the values it is meant for, and the ones that are found there too."""

_DEFAULTS = (
    "0", "1", "-1", "+5", "1.5", "-0.0", "1e400", "0x10", "9223372036854775807", "'x'", "''", "'it''s'",
    "'\\'", "'1'", "NULL", "TRUE", "false", "x'00ff'", '"quoted"', "bareword", "CURRENT_TIMESTAMP",
    "CURRENT_DATE", "CURRENT_TIME", "(1 + 1)", "('a' || 'b')", "(datetime('now'))",
    "(strftime('%s', 'now'))", "(lower(hex(randomblob(4))))", "(unixepoch())", "(7 / 2)", "(NULL)",
    "'2024-01-01'", "'[]'", "(abs(-3))",
)  # fmt: skip
_CHECKS = (
    "{c} IS NOT 3", "length({c}) < 100", "typeof({c}) <> 'blob'", "{c} IN (0, 1, 'a')", "{c} >= 0",
    "{c} <> ''", "{c} LIKE 'a%'", "{c} GLOB '[a-z]*'", "json_valid({c})", "{c}", "{c} = upper({c})",
    "{c} BETWEEN 0 AND 9",
)  # fmt: skip
_GENERATED = (
    "{c} || '!'", "{c} + 1", "length({c})", "coalesce({c}, 0)", "upper({c})", "{c} = 1", "{c} / 2",
)  # fmt: skip
_EXPRESSIONS = (
    "lower({c})", "{c} || 'x'", "length({c})", "{c} + 0", "abs({c})", "coalesce({c}, '')", "{c} IS NULL",
)  # fmt: skip
_PREDICATES = (
    "{c} IS NOT NULL", "{c} > 0", "{c} = 'x'", "{c} <> ''", "{c}", "{c} = 1", "lower({c}) = 'a'",
)  # fmt: skip
_CLAUSES = (
    "NOT NULL", "UNIQUE", "COLLATE NOCASE", "COLLATE RTRIM", "NOT NULL ON CONFLICT IGNORE",
    "UNIQUE ON CONFLICT REPLACE", "COLLATE NOCASE UNIQUE",
)  # fmt: skip
_ACTIONS = (
    "", "ON DELETE CASCADE", "ON DELETE SET NULL ON UPDATE CASCADE", "ON DELETE RESTRICT",
    "ON DELETE SET DEFAULT", "DEFERRABLE INITIALLY DEFERRED", "MATCH FULL",
)  # fmt: skip
_VIEWS = (
    "SELECT * FROM {t}", 'SELECT {c} AS "x y", count(*) FROM {t} GROUP BY {c}',
    "SELECT max({c}), min({c}) FROM {t}", "SELECT a.{c} FROM {t} a JOIN {t} b ON a.{c} = b.{c}",
    "SELECT {c} FROM {t} WHERE {c} = 1", "SELECT missing FROM {t}", "SELECT {c} FROM {t} WHERE {c} = '1'",
    "SELECT {c} FROM {t} WHERE {c} < 5", "SELECT DISTINCT {c} FROM {t}",
    "SELECT typeof({c}), length({c}) FROM {t}", "SELECT {c} || 'x' AS y FROM {t}", "SELECT {c} + 1 FROM {t}",
    "SELECT CASE WHEN {c} THEN 1 ELSE 0 END FROM {t}", "SELECT {c} FROM {t} ORDER BY {c} DESC LIMIT 2",
    "SELECT {c} FROM {t} EXCEPT SELECT {c} FROM {t} WHERE {c} > 1", "SELECT sum({c}), avg({c}) FROM {t}",
    "SELECT lower({c}), upper({c}) FROM {t}", "SELECT {c} FROM {t} WHERE {c} LIKE 'A%'",
    "SELECT {c} FROM {t} WHERE {c}", "SELECT {c} FROM {t} WHERE {c} IS NOT 1",
    "SELECT {c} FROM {t} WHERE {c} BETWEEN 'A' AND 'b'", "SELECT rowid, {c} FROM {t}",
    "SELECT date({c}) FROM {t}", "SELECT coalesce({c}, 0) FROM {t}", "SELECT count(DISTINCT {c}) FROM {t}",
    "SELECT {c} FROM {t} UNION ALL SELECT 'x'", "SELECT 1 AS one, 'two'",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class GeneratedColumn:
    """A column as it stands in CREATE TABLE, and a strategy for its values; None when SQLite computes it."""

    name: str
    declared: str
    clauses: str
    values: st.SearchStrategy[str] | None

    def definition(self) -> str:
        return f"{quote(self.name)} {self.declared} {self.clauses}".strip()


@st.composite
def _columns(draw: st.DrawFn, name: str, others: tuple[str, ...], *, bad_text: bool) -> GeneratedColumn:
    declared = draw(st.sampled_from(sorted(_DECLARED)))
    clean, odd = _DECLARED[declared]
    other = quote(draw(st.sampled_from(others)))
    if name not in others and draw(_seldom(6)):
        expression = draw(st.sampled_from(_GENERATED)).format(c=other)
        kind = draw(st.sampled_from(("STORED", "VIRTUAL", "")))
        return GeneratedColumn(name, declared, f"GENERATED ALWAYS AS ({expression}) {kind}", None)
    clauses = [draw(st.sampled_from(_CLAUSES))] if draw(_seldom(4)) else []
    if draw(_seldom(3)):
        clauses.append(f"DEFAULT {draw(st.sampled_from(_DEFAULTS))}")
    if draw(_seldom(6)):
        clauses.append(f"CHECK ({draw(st.sampled_from(_CHECKS)).format(c=quote(name))})")
    values = st.one_of(clean, clean, clean, NULL)
    if draw(_seldom(3)):
        values |= odd
    if bad_text and draw(_seldom(3)):
        values |= st.sampled_from(_BAD_TEXT)
    return GeneratedColumn(name, declared, " ".join(clauses), values)


def _seldom(one_in: int) -> st.SearchStrategy[bool]:
    return st.integers(1, one_in).map(lambda number: number == one_in)


def _names(low: int, high: int) -> st.SearchStrategy[list[str]]:
    return st.lists(NAMES, min_size=low, max_size=high, unique_by=str.upper)


# Tables and databases

_STRICT = {"INTEGER", "INT", "REAL", "TEXT", "BLOB", "ANY"}


Shapes = Mapping[str, tuple[str, ...]]
"""Table → its columns whose values are not computed."""


@st.composite
def _tables(draw: st.DrawFn, name: str, shapes: Shapes, *, bad_text: bool) -> Statements:
    """A table, its indexes and its rows."""
    stored = shapes[name]
    computed = [one for one in draw(_names(0, 2)) if one.upper() not in {other.upper() for other in stored}]
    columns = [draw(_columns(one, stored, bad_text=bad_text)) for one in (*stored, *computed)]
    definitions = [column.definition() for column in columns]
    key = draw(st.sampled_from(("", "", "rowid", "autoincrement", "first", "two", "without rowid")))
    options = []
    if key in {"rowid", "autoincrement"}:
        definitions.insert(0, f"id_ INTEGER PRIMARY KEY {key.replace('rowid', '')}")
    elif key:
        members = stored[: 2 if key == "two" else 1]
        definitions.append(f"PRIMARY KEY ({', '.join(map(quote, members))})")
    definitions.extend(draw(_foreign_keys(stored, shapes)) for _ in range(draw(st.integers(0, 2))))
    if key == "without rowid":
        options.append("WITHOUT ROWID")
    if all(column.declared in _STRICT for column in columns) and draw(st.booleans()):
        options.append("STRICT")
    table = f"CREATE TABLE {quote(name)} ({', '.join(definitions)}) {', '.join(options)}"
    indexes = [draw(_indexes(name, stored)) for _ in range(draw(st.integers(0, 3)))]
    filled = {quote(column.name): column.values for column in columns if column.values is not None}
    into = f"INSERT OR IGNORE INTO {quote(name)} ({', '.join(filled)})"
    rows = draw(st.lists(st.tuples(*filled.values()), max_size=6))
    inserts = [f"{into} VALUES ({', '.join(row)})" for row in rows]
    gone = [f"DELETE FROM {quote(name)} WHERE id_ = {len(rows)}"] if key == "autoincrement" else []
    return (table, *indexes, *inserts, *gone)


@st.composite
def _foreign_keys(draw: st.DrawFn, columns: tuple[str, ...], shapes: Shapes) -> str:
    parent = draw(st.sampled_from((*shapes, "missing")))
    targets = ("", "", "(id_)", *(f"({quote(column)})" for column in shapes.get(parent, ())))
    child, target, action = map(draw, map(st.sampled_from, (columns, targets, _ACTIONS)))
    return f"FOREIGN KEY ({quote(child)}) REFERENCES {quote(parent)} {target} {action}"


@st.composite
def _indexes(draw: st.DrawFn, table: str, columns: tuple[str, ...]) -> str:
    def term() -> str:
        column = quote(draw(st.sampled_from(columns)))
        if draw(_seldom(4)):
            return draw(st.sampled_from(_EXPRESSIONS)).format(c=column)
        return column + draw(st.sampled_from(("", "", " DESC", " COLLATE NOCASE", " COLLATE RTRIM DESC")))

    unique = draw(st.sampled_from(("", "", "UNIQUE")))
    terms = ", ".join(term() for _ in range(draw(st.integers(1, 2))))
    where = ""
    if draw(_seldom(3)):
        predicate = draw(st.sampled_from(_PREDICATES)).format(c=quote(draw(st.sampled_from(columns))))
        where = f" WHERE {predicate}"
    return f"CREATE {unique} INDEX {quote(draw(NAMES) + '_i')} ON {quote(table)} ({terms}){where}"


@st.composite
def databases(draw: st.DrawFn, *, bad_text: bool = False) -> Statements:
    """A whole database; with `bad_text` some text is no UTF-8 or holds NUL."""
    shapes = {name: tuple(draw(_names(1, 4))) for name in draw(_names(1, 4))}
    statements = ["PRAGMA ignore_check_constraints = on"] if draw(_seldom(4)) else []
    if not bad_text and draw(_seldom(4)):
        statements.append("PRAGMA encoding = 'UTF-16'")
    for name in shapes:
        statements.extend(draw(_tables(name, shapes, bad_text=bad_text)))
    for number in range(draw(st.integers(0, 3))):
        table = draw(st.sampled_from(tuple(shapes)))
        column = quote(draw(st.sampled_from(shapes[table])))
        body = draw(st.sampled_from(_VIEWS)).format(t=quote(table), c=column)
        statements.append(f"CREATE VIEW {quote(f'{draw(NAMES)}_v{number}')} AS {body}")
    return tuple(statements)
