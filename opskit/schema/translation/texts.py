"""SQLite's functions on text. Case is folded for A to Z only, which is what the collation "C" does."""

import re
from collections.abc import Callable, Mapping, Sequence

from opskit.schema.translation.convert import as_integer, as_number, as_text
from opskit.schema.translation.result import Unsupported
from opskit.schema.translation.values import Kind, Value, boolean, integer, plain_text, quoted


def lower(arguments: Sequence[Value]) -> Value:
    """lower(x)."""
    (value,) = arguments
    return plain_text(f'lower({as_text(value)} COLLATE "C")')


def upper(arguments: Sequence[Value]) -> Value:
    """upper(x)."""
    (value,) = arguments
    return plain_text(f'upper({as_text(value)} COLLATE "C")')


def length(arguments: Sequence[Value]) -> Value:
    """length(x): characters of a text, bytes of a blob."""
    (value,) = arguments
    if value.kind is Kind.BLOB:
        return integer(f"octet_length({value.sql})")
    return integer(f"char_length({as_text(value)})")


def substr(arguments: Sequence[Value]) -> Value:
    """substr(x, start, length): PostgreSQL counts alike, except from the end."""
    value, start, *rest = arguments
    if value.kind is Kind.TIMESTAMP and value.moment is not None:
        return _substr_of_date(value, start, rest)
    if value.kind is Kind.BLOB:
        raise Unsupported("substr of a blob is not translated")
    text = as_text(value)
    if rest and not (isinstance(rest[0].literal, int) and rest[0].literal >= 0):
        raise Unsupported("substr with a length that may be negative is not translated")
    size = f", {rest[0].sql}" if rest else ""
    if isinstance(start.literal, int) and start.literal >= 0:
        return plain_text(f"substr({text}, {start.sql}{size})")
    begin = f"{as_integer(start)}::integer"
    back = f"char_length({text}) + {begin} + 1"
    if isinstance(start.literal, int):
        return plain_text(f"substr({text}, {back}{size})")
    return plain_text(f"substr({text}, CASE WHEN {begin} < 0 THEN {back} ELSE {begin} END{size})")


def _substr_of_date(value: Value, start: Value, rest: Sequence[Value]) -> Value:
    """Within the first ten characters every spelling of a timestamp is the same."""
    first, size = start.literal, rest[0].literal if rest else None
    if (
        value.moment
        and isinstance(first, int)
        and isinstance(size, int)
        and first > 0
        and 0 <= first + size <= 11
    ):
        return plain_text(f"substr(to_char({value.moment.sql}, 'YYYY-MM-DD'), {first}, {size})")
    raise Unsupported(f"{value.sql} is used as text, and a timestamp does not keep how SQLite writes it")


def trim(function: str) -> Callable[[Sequence[Value]], Value]:
    """trim, ltrim or rtrim, by its name on PostgreSQL."""

    def translate(arguments: Sequence[Value]) -> Value:
        return plain_text(f"{function}({', '.join(as_text(one) for one in arguments)})")

    return translate


def replace_text(arguments: Sequence[Value]) -> Value:
    """replace(x, from, to)."""
    text, old, new = (as_text(one) for one in arguments)
    return plain_text(f'replace({text} COLLATE "C", {old}, {new})')


def instr(arguments: Sequence[Value]) -> Value:
    """instr(x, y)."""
    if any(one.kind is Kind.BLOB for one in arguments):
        raise Unsupported("instr of a blob is not translated")
    text, part = (as_text(one) for one in arguments)
    return integer(f'strpos({text} COLLATE "C", {part})')


def hex_text(arguments: Sequence[Value]) -> Value:
    """hex(x)."""
    (value,) = arguments
    blob = value.sql if value.kind is Kind.BLOB else f"convert_to({as_text(value)}, 'UTF8')"
    return plain_text(f"COALESCE(upper(encode({blob}, 'hex')), '')")


def concatenate(left: Value, right: Value) -> Value:
    """left || right; SQLite's blobs become text and are refused."""
    return plain_text(f"({as_text(left)} || {as_text(right)})")


def like(text: Value, pattern: Value, escape: Value | None = None) -> Value:
    """LIKE: A to Z match whatever their case; there is no escape character unless one is named."""
    if escape is not None and (not isinstance(escape.literal, str) or escape.literal.isalpha()):
        raise Unsupported("LIKE with this ESCAPE is not translated")
    mark = escape.sql if escape is not None else "''"
    if isinstance(pattern.literal, str) and pattern.literal.lower() == pattern.literal.upper():
        return boolean(f'({as_text(text)} COLLATE "C" LIKE {pattern.sql} ESCAPE {mark})')
    folded = quoted(_fold(pattern.literal)) if isinstance(pattern.literal, str) else lower([pattern]).sql
    return boolean(f"({lower([text]).sql} LIKE {folded} ESCAPE {mark})")


def _fold(text: str) -> str:
    return re.sub("[A-Z]", lambda match: match[0].lower(), text)


def glob(text: Value, pattern: Value) -> Value:
    """GLOB with a literal pattern, as a regular expression."""
    if not isinstance(pattern.literal, str):
        raise Unsupported("GLOB with a pattern that is not a literal is not translated")
    return boolean(f'({as_text(text)} COLLATE "C" ~ {quoted(glob_regex(pattern.literal))})')


def glob_regex(pattern: str) -> str:
    """The regular expression of a GLOB pattern.

    >>> glob_regex("A*[^0-9]?.")
    '^A.*[^0-9].[.]$'

    Raises:
        Unsupported: a bracket that is not closed, or holds what a regular expression reads otherwise.
    """
    parts: list[str] = []
    for bracket, one in re.findall(r"(\[\^?\]?[^\]]*\])|(.)", pattern, re.DOTALL):
        if bracket:
            if re.search(r"[\\\[:.=]", bracket[1:]):
                raise Unsupported(f"GLOB {pattern!r} is not translated")
            parts.append(bracket)
        elif one == "[":
            raise Unsupported(f"GLOB {pattern!r} is not translated")
        else:
            parts.append(
                {"*": ".*", "?": "."}.get(one) or (f"[{one}]" if one in ".+(){}|$]" else _literal(one))
            )
    return f"^{''.join(parts)}$"


def _literal(one: str) -> str:
    return f"\\{one}" if one in "^\\" else one


def printf(arguments: Sequence[Value]) -> Value:
    """printf(format, …) with %s, %d, %0Nd, %.Nf and %%."""
    template, *values = arguments
    if not isinstance(template.literal, str):
        raise Unsupported("printf with a format that is not a literal is not translated")
    terms: list[str] = []
    for plain, code in re.findall(r"([^%]+)|%(%|s|d|0\d+d|\.\d+f|.)", template.literal, re.DOTALL):
        if plain or code == "%":
            terms.append(quoted(plain or "%"))
        elif not values:
            raise Unsupported("printf with too few arguments is not translated")
        else:
            terms.append(_printed(code, values.pop(0)))
    return plain_text(f"({' || '.join(terms)})" if terms else "''")


def _printed(code: str, value: Value) -> str:
    if code == "s":
        return f"COALESCE({as_text(value)}, '')"
    if code == "d" and value.kind in {Kind.INTEGER, Kind.BOOLEAN}:
        return f"COALESCE({as_number(value).sql}, 0)::text"
    if code.endswith("f"):
        return f"round(COALESCE({as_number(value).sql}, 0)::numeric, {code[1:-1]})::text"
    if code[:1] == "0" and value.kind in {Kind.INTEGER, Kind.BOOLEAN}:
        return _padded(f"COALESCE({as_number(value).sql}, 0)", int(code[1:-1]))
    raise Unsupported(f"printf's %{code} is not translated")


def _padded(number: str, width: int) -> str:
    digits = f"greatest({width} - CASE WHEN {number} < 0 THEN 1 ELSE 0 END, length(abs({number})::text))"
    return f"(CASE WHEN {number} < 0 THEN '-' ELSE '' END || lpad(abs({number})::text, {digits}, '0'))"


def like_function(arguments: Sequence[Value]) -> Value:
    """like(pattern, x), whose arguments stand the other way round."""
    pattern, text, *escape = arguments
    return like(text, pattern, *escape)


def glob_function(arguments: Sequence[Value]) -> Value:
    """glob(pattern, x)."""
    pattern, text = arguments
    return glob(text, pattern)


def unicode_point(arguments: Sequence[Value]) -> Value:
    """unicode(x), NULL for an empty text."""
    (value,) = arguments
    return integer(f"NULLIF(ascii({as_text(value)}), 0)")


def characters(arguments: Sequence[Value]) -> Value:
    """char(x, …)."""
    return plain_text(f"({' || '.join(f'chr({as_integer(one)}::integer)' for one in arguments)})")


TEXT_FUNCTIONS: Mapping[str, Callable[[Sequence[Value]], Value]] = {
    "lower": lower,
    "upper": upper,
    "length": length,
    "substr": substr,
    "substring": substr,
    "trim": trim("btrim"),
    "ltrim": trim("ltrim"),
    "rtrim": trim("rtrim"),
    "replace": replace_text,
    "instr": instr,
    "hex": hex_text,
    "printf": printf,
    "format": printf,
    "like": like_function,
    "glob": glob_function,
    "unicode": unicode_point,
    "char": characters,
}
