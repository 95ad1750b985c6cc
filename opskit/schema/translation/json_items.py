"""SQLite's JSON functions, on JSON in text and in jsonb."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from opskit.schema.translation.result import Unsupported
from opskit.schema.translation.values import Kind, Value, boolean, integer, plain_text, quoted

_STEP = re.compile(r"""\.(?:"([^"]*)"|([^.\["]+))|\[(\d+)\]""")
_SPACE = """'("(?:[^"\\\\]|\\\\.)*")|[[:space:]]+'"""


def extract(arguments: Sequence[Value]) -> Value:
    """json_extract(x, path): a text as it is, a number or boolean as number, the rest as JSON."""
    if len(arguments) != 2 or not isinstance(arguments[1].literal, str):
        raise Unsupported("json_extract with several paths, or one that is not a literal, is not translated")
    return item_at(arguments[0], path_steps(arguments[1].literal))


def item_at(document: Value, steps: Sequence[str]) -> Value:
    """The item that is reached by keys and positions."""
    item = _at(document, steps)
    sql = (
        f"(CASE json_typeof({item}) WHEN 'string' THEN {item} #>> '{{}}' WHEN 'null' THEN NULL "
        f"WHEN 'boolean' THEN ({item}::text = 'true')::integer::text WHEN 'number' THEN {item}::text "
        f"ELSE {_minified(item)} END)"
    )
    return Value(sql, Kind.JSON_ITEM, item=item)


def json_at(document: Value, steps: Sequence[str]) -> Value:
    """The item as JSON text, which is what `->` gives."""
    item = _at(document, steps)
    return replace(plain_text(_minified(item)), item=item)


def _minified(item: str) -> str:
    return f"regexp_replace({item}::text, {_SPACE}, '\\1', 'g')"


def array_length(arguments: Sequence[Value]) -> Value:
    """json_array_length(x, path): 0 for what is not an array."""
    document, *path = arguments
    if path and not isinstance(path[0].literal, str):
        raise Unsupported("json_array_length with a path that is not a literal is not translated")
    item = _at(document, path_steps(str(path[0].literal)) if path else [])
    return integer(
        f"(CASE json_typeof({item}) WHEN 'array' THEN json_array_length({item}) "
        f"ELSE CASE WHEN {item} IS NOT NULL THEN 0 END END)"
    )


def type_at(arguments: Sequence[Value]) -> Value:
    """json_type is refused: PostgreSQL does not tell integers from reals in JSON."""
    raise Unsupported(f"json_type({arguments[0].sql}) is not translated")


def valid(arguments: Sequence[Value]) -> Value:
    """json_valid(x), which PostgreSQL 15 can only tell of jsonb."""
    (value,) = arguments
    if value.kind is not Kind.JSON:
        raise Unsupported("PostgreSQL 15 cannot test whether a text is JSON")
    return boolean(f"(CASE WHEN {value.sql} IS NOT NULL THEN TRUE END)")


def path_steps(path: str) -> list[str]:
    """The keys and positions of a path such as $.a.b[0].

    >>> path_steps('$.a."b c"[0]')
    ['a', 'b c', '0']

    Raises:
        Unsupported: a path counted from the end, or none.
    """
    steps = [match[1] or match[2] or match[3] or "" for match in _STEP.finditer(path[1:])]
    if not path.startswith("$") or "".join(match[0] for match in _STEP.finditer(path[1:])) != path[1:]:
        raise Unsupported(f"the JSON path {path!r} is not translated")
    return steps


def _at(document: Value, steps: Sequence[str]) -> str:
    if document.kind is Kind.JSON:
        source = f"{document.sql}::json"
    elif document.item is not None:
        source = document.item
    elif document.kind is Kind.TEXT:
        source = f"{document.sql}::json"
    else:
        raise Unsupported(f"{document.sql} is read as JSON")
    if not steps:
        return f"({source})"
    return f"({source} #> {quoted('{' + ','.join(quote_step(step) for step in steps) + '}')})"


def quote_step(step: str) -> str:
    """A step as an element of an array literal."""
    return '"' + step.replace("\\", "\\\\").replace('"', '\\"') + '"'


JSON_FUNCTIONS: Mapping[str, Callable[[Sequence[Value]], Value]] = {
    "json_extract": extract,
    "json_array_length": array_length,
    "json_valid": valid,
    "json_type": type_at,
}
