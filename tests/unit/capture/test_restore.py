"""What PostgreSQL prints comes back as a value that is rendered as the same text again."""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

import apsw
import pytest
from hypothesis import given
from hypothesis import strategies as st

from opskit.capture.restore import Habits, restored, row_of
from opskit.capture.spelling import Form, Spelling, spelled, spelling_of
from opskit.schema.sqlite_file import Value, scalar
from opskit.transfer.functions import register
from opskit.transfer.render import render

SPELLINGS = st.builds(
    Spelling, st.sampled_from(["", " ", "T"]), st.integers(0, 6), st.sampled_from(["", "Z", "+00:00", "+00"])
)
LARGEST = Decimal("99999999.99")
NUMBERS = st.decimals(-LARGEST, LARGEST, places=2).map(lambda one: f"{one + 0:.2f}")


def _printed(moment: datetime) -> str:
    """As timestamptz prints it in UTC."""
    fraction = f".{moment.microsecond:06}".rstrip("0").rstrip(".")
    return f"{moment.year:04}-{moment:%m-%d %H:%M:%S}{fraction}+00"


MOMENTS = st.datetimes().map(_printed)


@pytest.fixture(scope="module")
def connection() -> Iterator[apsw.Connection]:
    connection = apsw.Connection(":memory:")
    register(connection)
    connection.execute("CREATE TABLE t (v NUMERIC, w)").fetchall()
    yield connection
    connection.close()


def stored(connection: apsw.Connection, text: str, pg_type: str, habits: Habits, column: str = "w") -> Value:
    """What is rendered of what has been stored."""
    how = restored(pg_type, habits)
    values = row_of(escaped(text), [how])
    connection.execute("DELETE FROM t").fetchall()
    connection.execute(f"INSERT INTO t ({column}) VALUES ({how.sql.format('?1')})", values).fetchall()
    return scalar(connection, f"SELECT {render(column, pg_type)} FROM t")


def escaped(text: str) -> bytes:
    """As COPY escapes it."""
    for plain, coded in (("\\", "\\\\"), ("\n", "\\n"), ("\t", "\\t"), ("\r", "\\r"), ("\b", "\\b")):
        text = text.replace(plain, coded)
    return text.replace("\f", "\\f").replace("\v", "\\v").encode()


@given(MOMENTS, SPELLINGS)
def test_moments_keep_every_digit_in_every_spelling(
    connection: apsw.Connection, moment: str, spelling: Spelling
) -> None:
    assert stored(connection, moment, "timestamp with time zone", Habits(spelling)) == moment
    bare = moment.removesuffix("+00")
    assert stored(connection, bare, "timestamp without time zone", Habits(spelling)) == bare


@given(MOMENTS, SPELLINGS)
def test_a_moment_is_spelled_like_the_others_of_its_column(moment: str, spelling: Spelling) -> None:
    found = spelling_of(spelled(moment, spelling))
    assert found is not None
    if found.separator:
        assert found.separator == (spelling.separator or " ")
        assert found.fraction >= spelling.fraction
        assert found.zone == spelling.zone


@given(NUMBERS)
def test_decimals_come_back_as_numbers(connection: apsw.Connection, number: str) -> None:
    assert stored(connection, number, "numeric(10,2)", Habits(), "v") == number
    assert isinstance(scalar(connection, "SELECT v FROM t"), int | float)
    assert Decimal(number) == Decimal(str(scalar(connection, "SELECT v FROM t")))


@given(st.integers(-(2**63), 2**63 - 1))
def test_whole_numbers_come_back(connection: apsw.Connection, number: int) -> None:
    assert stored(connection, str(number), "bigint", Habits()) == str(number)


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
def test_texts_come_back(connection: apsw.Connection, text: str) -> None:
    assert stored(connection, text, "text", Habits()) == text


@given(st.binary(), st.sampled_from([None, *Form]))
def test_bytes_come_back(connection: apsw.Connection, value: bytes, form: Form | None) -> None:
    text = f"\\x{value.hex()}"
    assert stored(connection, text, "bytea", Habits(form=form)) == text


@given(st.uuids(), st.sampled_from(Form))
def test_uuids_come_back_in_every_form(connection: apsw.Connection, value: object, form: Form) -> None:
    assert stored(connection, str(value), "uuid", Habits(form=form)) == str(value)


@pytest.mark.parametrize(
    ("pg_type", "text"),
    [
        ("timestamp with time zone(epoch)", "2023-11-14 22:13:20+00"),
        ("timestamp with time zone(epoch)", "2023-11-14 22:13:20.25+00"),
        ("timestamp with time zone(epoch_ms)", "2023-11-14 22:13:20.125+00"),
        ("timestamp with time zone(epoch_us)", "2023-11-14 22:13:20.123456+00"),
        ("timestamp with time zone(julian)", "2023-11-14 22:13:20.125+00"),
        ("timestamp without time zone(epoch)", "2023-11-14 22:13:20"),
        ("date(epoch)", "2023-11-14"),
        ("date(julian)", "2023-11-14"),
        ("date", "2023-11-14"),
        ("boolean", "t"),
        ("boolean", "f"),
        ("double precision", "0.1"),
        ("double precision", "-1e-05"),
        ("double precision", "Infinity"),
        ("real", "0.1"),
        ("numeric", "12.5"),
        ("jsonb", '{"a": [1, 2.50, null], "b": "\\u00e9"}'),
        ("json", '{"b":  1}'),
        ("interval", "-1 days -01:01:01.5"),
        ("interval", "1 day 00:00:00.000001"),
        ("character(5)", "ab   "),
        ("time without time zone", "12:30:00"),
        ("inet", "10.0.0.1"),
    ],
)
def test_values_of_each_type_come_back(connection: apsw.Connection, pg_type: str, text: str) -> None:
    rendered = stored(connection, text, pg_type, Habits())
    assert rendered == text.replace("\\u00e9", "é")


def test_null_stays_null() -> None:
    columns = [restored(kind, Habits()) for kind in ("bigint", "text", "text")]
    assert row_of(b"\\N\t\\\\N\tx", columns) == (None, "\\N", "x")
