"""A column becomes its declared type when every value fits, and else the next type that holds them all."""

import pytest

from opskit.config import TypesProfile
from opskit.schema.model import Affinity, Column, Storage
from opskit.schema.sqlite_reader import affinity
from opskit.schema.types import ColumnProfile, candidates, choose, is_supported, normalize

NATIVE, SAME = TypesProfile.NATIVE, TypesProfile.SAME


def column(declared: str) -> Column:
    return Column("c", declared, affinity(declared))


def holding(*misfits: str, values: int = 3) -> ColumnProfile:
    """A profile of some values that do not fit these types."""
    return ColumnProfile({Storage.NULL: 1, Storage.TEXT: values}, dict.fromkeys(misfits, 2))


@pytest.mark.parametrize(
    ("declared", "misfits", "profile", "pg_type"),
    [
        ("INTEGER", (), NATIVE, "bigint"),
        ("TINYINT(1)", (), NATIVE, "bigint"),
        ("INTEGER", ("bigint",), NATIVE, "double precision"),
        ("INTEGER", ("bigint", "double precision"), NATIVE, "numeric"),
        ("INTEGER", ("bigint", "double precision", "numeric"), NATIVE, "text"),
        ("INTEGER", ("bigint", "double precision", "numeric", "text"), NATIVE, "bytea"),
        ("TEXT", (), NATIVE, "text"),
        ("VARCHAR(5)", (), NATIVE, "text"),
        ("TEXT", ("text",), NATIVE, "bytea"),
        ("REAL", (), NATIVE, "double precision"),
        ("REAL", ("double precision",), NATIVE, "numeric"),
        ("BLOB", (), NATIVE, "bytea"),
        ("BOOLEAN", (), NATIVE, "boolean"),
        ("BOOLEAN", ("boolean",), NATIVE, "bigint"),
        ("BOOLEAN", (), SAME, "bigint"),
        ("TIMESTAMP", (), NATIVE, "timestamp with time zone"),
        ("datetime", (), NATIVE, "timestamp with time zone"),
        ("DATETIME", (), SAME, "bigint"),
        ("DATE", (), NATIVE, "date"),
        ("DATE", ("date",), NATIVE, "timestamp with time zone"),
        (
            "DATE",
            ("date", "timestamp with time zone", "bigint", "double precision", "numeric"),
            NATIVE,
            "text",
        ),
        ("DECIMAL(10,2)", (), NATIVE, "numeric(10,2)"),
        ("numeric( 5 )", (), NATIVE, "numeric(5,0)"),
        ("DECIMAL(10,2)", ("numeric(10,2)",), NATIVE, "numeric"),
        ("DECIMAL(2,10)", (), NATIVE, "numeric"),
        ("DECIMAL(0)", (), NATIVE, "numeric"),
        ("DECIMAL(2000,2)", (), NATIVE, "numeric"),
        ("MONEY", (), NATIVE, "numeric"),
        ("", (), NATIVE, "bigint"),
        ("", ("bigint", "double precision", "numeric"), NATIVE, "text"),
    ],
)
def test_the_type_of_a_column(
    declared: str, misfits: tuple[str, ...], profile: TypesProfile, pg_type: str
) -> None:
    assert choose(column(declared), holding(*misfits), profile).pg_type == pg_type


@pytest.mark.parametrize("declared", ["", "WHATEVER", "NUMERIC"])
def test_a_column_without_values_and_without_a_clear_type_becomes_text_in_the_same_profile(
    declared: str,
) -> None:
    assert choose(column(declared), holding(values=0), SAME).pg_type == "text"


def test_an_empty_column_keeps_its_declared_type() -> None:
    assert choose(column("TIMESTAMP"), holding(values=0), NATIVE).pg_type == "timestamp with time zone"
    assert choose(column("INTEGER"), holding(values=0), NATIVE).pg_type == "bigint"


@pytest.mark.parametrize(
    ("declared", "told"), [("TIMESTAMP", True), ("INTEGER", True), ("REAL", True), ("", False)]
)
def test_a_declared_type_that_does_not_hold_its_values_is_told(declared: str, told: bool) -> None:
    wanted = candidates(column(declared), NATIVE)[0]
    choice = choose(column(declared), holding(wanted), NATIVE)
    assert choice.told is told
    assert f"2 values do not fit {wanted}" in choice.reason


@pytest.mark.parametrize(
    "declared",
    ["", "INT", "TEXT", "BLOB", "REAL", "BOOLEAN", "DATE", "DATETIME", "DECIMAL(9,3)", "JSON", "UUID"],
)
@pytest.mark.parametrize("profile", TypesProfile)
def test_the_last_candidate_holds_everything(declared: str, profile: TypesProfile) -> None:
    assert candidates(column(declared), profile)[-1] == "bytea"


@pytest.mark.parametrize(
    ("declared", "expected"),
    [
        ("INT", Affinity.INTEGER),
        ("CHARINT", Affinity.INTEGER),
        ("FLOATING POINT", Affinity.INTEGER),
        ("nvarchar", Affinity.TEXT),
        ("CLOB", Affinity.TEXT),
        ("STRING", Affinity.NUMERIC),
        ("double", Affinity.REAL),
        ("  ", Affinity.BLOB),
    ],
)
def test_affinities_follow_sqlites_rules(declared: str, expected: Affinity) -> None:
    assert affinity(declared) is expected


@pytest.mark.parametrize(
    ("written", "normal", "supported"),
    [
        ("timestamptz", "timestamp with time zone", True),
        ("INT", "integer", True),
        ("Decimal(10, 2)", "numeric(10,2)", True),
        ("numeric(7)", "numeric(7,0)", True),
        ("double  precision", "double precision", True),
        ("money", "money", False),
        ("varchar(20)", "varchar(20,0)", False),
        ("text; drop table x", "text; drop table x", False),
    ],
)
def test_overrides_are_spelled_as_the_server_does(written: str, normal: str, supported: bool) -> None:
    assert normalize(written) == normal
    assert is_supported(normal) is supported
