"""A column becomes its declared type when every value fits, and else the next type that holds them all."""

import pytest

from opskit.config import TypesProfile
from opskit.schema.choice import as_configured, choose
from opskit.schema.model import Affinity, Column, Storage
from opskit.schema.moments import server_type
from opskit.schema.sqlite_reader import affinity
from opskit.schema.types import (
    SUPPORTED,
    ColumnProfile,
    Example,
    TypeChoice,
    candidates,
    is_supported,
    normalize,
    resolve,
)

NATIVE, SAME = TypesProfile.NATIVE, TypesProfile.SAME


def column(declared: str) -> Column:
    return Column("c", declared, affinity(declared))


FITS = dict.fromkeys((*SUPPORTED, "numeric(10,2)", "numeric(5,0)"), 0)
"""Misfits of values that every type holds."""


def holding(*misfits: str, values: int = 3) -> ColumnProfile:
    """A profile of some values that do not fit these types."""
    return ColumnProfile({Storage.NULL: 1, Storage.TEXT: values}, FITS | dict.fromkeys(misfits, 2))


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
        ("JSON", (), NATIVE, "jsonb"),
        ("jsonb", ("jsonb",), NATIVE, "json"),
        ("JSON", ("jsonb", "json", "bigint", "double precision", "numeric"), NATIVE, "text"),
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
    assert (f"2 of 3 values do not fit {wanted}" in choice.reason) is told


@pytest.mark.parametrize(
    ("declared", "storage", "told"),
    [
        ("", {Storage.INTEGER: 1, Storage.TEXT: 1}, True),
        ("WHATEVER", {Storage.REAL: 1, Storage.TEXT: 1}, True),
        ("", {Storage.TEXT: 2}, False),
        ("BLOB", {Storage.BLOB: 2}, False),
        ("BLOB", {Storage.TEXT: 1, Storage.BLOB: 1}, True),
    ],
)
def test_values_that_read_back_as_another_class_are_told(
    declared: str, storage: dict[Storage, int], told: bool
) -> None:
    misfits = FITS | {"bigint": 1, "double precision": 1, "numeric": 1}
    choice = choose(column(declared), ColumnProfile(storage, misfits), SAME)
    assert choice.pg_type in {"text", "bytea"}
    assert choice.told is told


def test_the_reason_names_how_many_values_do_not_fit_and_the_first_of_them() -> None:
    examples = {"bigint": (Example("id=7", "'n/a'"),)}
    misfits = FITS | {"bigint": 3, "double precision": 3, "numeric": 3}
    profile = ColumnProfile({Storage.INTEGER: 117, Storage.TEXT: 3}, misfits, examples=examples)
    choice = choose(column("INTEGER"), profile, NATIVE)
    assert choice == TypeChoice(
        "text",
        "declared INTEGER, 3 of 120 values do not fit bigint, e.g. id=7: 'n/a';"
        " 117 integer values read back as text",
        told=True,
    )


def test_a_column_without_a_declared_meaning_only_follows_its_values() -> None:
    misfits = FITS | {"bigint": 3, "double precision": 3, "numeric": 3}
    profile = ColumnProfile({Storage.TEXT: 3}, misfits)
    assert choose(column("TIME"), profile, NATIVE) == TypeChoice("text", "declared TIME, all 3 values fit")


def test_the_type_that_comes_nearest_is_named_beside_the_wanted_one() -> None:
    misfits = FITS | {"timestamp with time zone": 120, "bigint": 1, "double precision": 1, "numeric": 1}
    profile = ColumnProfile({Storage.INTEGER: 119, Storage.TEXT: 1}, misfits)
    reason = choose(column("DATETIME"), profile, NATIVE).reason
    assert (
        "120 of 120 values do not fit timestamp with time zone; 1 of 120 values does not fit bigint" in reason
    )


def numbers(lowest: float, highest: float, *misfits: str) -> ColumnProfile:
    """A profile of numbers only."""
    return ColumnProfile({Storage.INTEGER: 2}, FITS | dict.fromkeys(misfits, 2), numbers=(lowest, highest))


def test_numbers_in_a_column_of_moments_stay_and_their_unit_is_told() -> None:
    profile = numbers(2460310.5, 2460311.25, "timestamp with time zone", "bigint")
    choice = choose(column("DATETIME"), profile, NATIVE)
    assert (choice.pg_type, choice.told) == ("double precision", True)
    assert choice.reason == (
        "declared DATETIME, the numbers look like julian days, from 2460310.5 (2024-01-01 00:00:00+00)"
        " to 2460311.25 (2024-01-01 18:00:00+00): the override timestamptz(julian) converts them"
    )


def test_a_name_that_means_a_moment_is_reason_enough_to_state_the_unit() -> None:
    choice = choose(Column("created_at", "INTEGER", Affinity.INTEGER), numbers(1.7e9, 1.8e9), NATIVE)
    assert (choice.pg_type, choice.told) == ("bigint", False)
    assert "all 2 values fit; the numbers look like unix seconds" in choice.reason


@pytest.mark.parametrize(
    ("lowest", "highest", "resolved", "told"),
    [
        (1_700_000_000, 1_800_000_000, "timestamp with time zone(epoch)", True),
        (1_700_000_000_000, 1_800_000_000_000, "timestamp with time zone(epoch_ms)", True),
        (1_700_000_000, 1_800_000_000_000, "timestamp with time zone", False),
    ],
)
def test_an_override_takes_numbers_in_the_unit_that_all_are_in(
    lowest: float, highest: float, resolved: str, told: bool
) -> None:
    choice = as_configured("timestamp with time zone", numbers(lowest, highest))
    assert (choice.pg_type, choice.told, choice.configured) == (resolved, told, True)


def test_a_type_of_limited_precision_takes_numbers_in_their_unit_too() -> None:
    milliseconds = (1_700_000_000_000, 1_800_000_000_000)
    assert (
        resolve("timestamp(3) without time zone", milliseconds) == "timestamp(3) without time zone(epoch_ms)"
    )
    assert server_type("timestamp(3) without time zone(epoch_ms)") == "timestamp(3) without time zone"


def test_offsets_that_are_not_kept_are_told() -> None:
    offset = Example("id=1", "'2024-05-06 07:08+02:00'")
    choice = choose(column("DATETIME"), ColumnProfile({Storage.TEXT: 1}, FITS, offset=offset), NATIVE)
    assert choice.told
    assert "offsets are not kept, the moments are (id=1: '2024-05-06 07:08+02:00')" in choice.reason


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
        ("TIMESTAMPTZ (epoch_ms)", "timestamp with time zone(epoch_ms)", True),
        ("date(julian)", "date(julian)", True),
        ("text(epoch)", "text(epoch)", False),
        ("json", "json", True),
        ("double  precision", "double precision", True),
        ("money", "money", False),
        ("varchar(20)", "varchar(20,0)", False),
        ("text; drop table x", "text; drop table x", False),
    ],
)
def test_overrides_are_spelled_as_the_server_does(written: str, normal: str, supported: bool) -> None:
    assert normalize(written) == normal
    assert is_supported(normal) is supported
