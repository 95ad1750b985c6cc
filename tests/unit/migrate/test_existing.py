"""Into a schema that the application made: what is staged, moved, told and refused, without any database."""

from dataclasses import replace
from pathlib import Path

from opskit.config import TypesProfile
from opskit.migrate.existing import ExistingFacts, Standing, design_into, fill, target_types
from opskit.migrate.existing_refusals import existing_refusals
from opskit.migrate.facts import Job, SourceFacts, TableProfile, TextScan
from opskit.schema.matching import match, matched_names
from opskit.schema.model import Affinity, Column, Schema, Storage, Table, Trigger, View
from opskit.schema.names import map_names
from opskit.schema.target_schema import (
    PgColumn,
    PgForeignKey,
    PgKey,
    PgSequence,
    PgTable,
    PgTrigger,
    TargetSchema,
)
from opskit.schema.types import ColumnProfile, TypeChoice

JOB = Job("shop", Path("shop.db"), "", "host:5432/shop", TypesProfile.NATIVE, {})
SEQUENCE = PgSequence(
    "public", "orders_id_seq", "integer", 1, 1, 2**31 - 1, cycle=False, last_value=1, is_called=False
)
ORDERS = PgTable(
    "orders",
    columns=(
        PgColumn("id", "integer", not_null=True, identity="always", sequence=SEQUENCE),
        PgColumn("note", "character varying(5)", not_null=True),
        PgColumn("made", "timestamp without time zone", default="now()"),
        PgColumn("shout", "text", generated="upper(note)"),
    ),
    primary_key=PgKey("orders_pkey", ("id",)),
)


def source(
    *columns: str, rows: int = 3, nulls: int = 0, misfits: int = 0, name: str = "Orders"
) -> SourceFacts:
    """A table of these columns, every one with so many NULLs and misfits."""
    table = Table(
        name,
        tuple(Column(column, "TEXT", Affinity.TEXT) for column in columns),
        primary_key=("ID",),
        rowid_alias="ID",
        last_key=90,
    )
    storage = {Storage.TEXT: rows - nulls, Storage.NULL: nulls}
    profiles = {column: ColumnProfile(storage, {"character varying(5)": misfits}) for column in columns}
    choices = {
        column: TypeChoice("character varying(5)" if column == "note" else "integer", "")
        for column in columns
    }
    return SourceFacts(
        Schema((table,)), {name: TableProfile(rows, profiles)}, {name: choices}, {name: TextScan()}, 0
    )


def existing(
    facts: SourceFacts, *tables: PgTable, standing: dict[str, Standing] | None = None, holding: str = ""
) -> ExistingFacts:
    target = TargetSchema("public", {table.name: table for table in tables})
    matching = match(facts.schema, target, map_names(facts.schema))
    standing = standing or {}
    return ExistingFacts(target, matching, frozenset({*standing, *holding.split()}), standing, frozenset())


def refusals(facts: SourceFacts, there: ExistingFacts) -> list[tuple[str, str]]:
    return [(fault.code, fault.where) for fault in existing_refusals(JOB, there, facts)]


def told(facts: SourceFacts, there: ExistingFacts) -> tuple[str, ...]:
    return design_into(there, facts).told


def test_types_and_names_are_those_of_the_target() -> None:
    there = existing(source("ID", "note"), ORDERS)
    assert target_types(there.matching, {}) == {"Orders.ID": "integer", "Orders.note": "character varying(5)"}
    assert matched_names(there.matching).relation("Orders") == "orders"
    assert matched_names(there.matching).column("orders", "ID") == "id"


def test_a_column_of_the_operators_choice_keeps_its_conversion() -> None:
    there = existing(source("ID", "made"), ORDERS)
    unit = {"Orders.made": "timestamp without time zone(epoch)"}
    assert target_types(there.matching, unit)["Orders.made"] == unit["Orders.made"]


def test_staging_takes_its_column_types_from_the_target_itself() -> None:
    facts = source("ID", "note")
    (table,) = design_into(existing(facts, ORDERS), facts).tables
    assert (
        table.create
        == 'CREATE UNLOGGED TABLE "orders" AS SELECT "id", "note" FROM "public"."orders" WITH NO DATA'
    )


def test_generated_columns_are_not_copied() -> None:
    facts = source("ID", "note", "shout")
    (table,) = design_into(existing(facts, ORDERS), facts).tables
    assert [column.target for column in table.columns] == ["id", "note"]
    assert "column shout of table orders is computed by the target" in told(facts, existing(facts, ORDERS))


def test_the_fill_carries_rows_columns_and_generators() -> None:
    facts = source("ID", "note")
    (table,) = fill(JOB, existing(facts, ORDERS), facts).tables
    assert (table.columns, table.rows, table.replaced) == (("id", "note"), 3, 0)
    assert [(one.column, one.sequence, one.last_key) for one in table.generators] == [("id", SEQUENCE, 90)]


def test_rows_that_stood_there_are_replaced_only_where_rows_come() -> None:
    for rows, replaced in ((3, 2), (0, 0)):
        facts = source("ID", "note", rows=rows)
        there = existing(facts, ORDERS, standing={"orders": Standing(2, ())})
        assert fill(JOB, there, facts).tables[0].replaced == replaced


def test_an_empty_source_table_leaves_the_rows_that_stand_there() -> None:
    facts = source("ID", "note", rows=0)
    there = existing(facts, ORDERS, standing={"orders": Standing(2, ("id=9",))})
    assert "table orders keeps its 2 rows, the source has none" in told(facts, there)
    assert refusals(facts, there) == []


def test_columns_of_the_target_alone_are_told() -> None:
    facts = source("ID", "note")
    assert "table orders: only in the target, so they take their defaults: made" in told(
        facts, existing(facts, ORDERS)
    )


def test_only_enabled_triggers_that_would_fire_are_told() -> None:
    triggers = tuple(
        PgTrigger(name, "AFTER", (event,), for_each_row=True, function="f", enabled=enabled, definition="")
        for name, event, enabled in (("on", "INSERT", True), ("off", "INSERT", False), ("up", "UPDATE", True))
    )
    facts = source("ID", "note")
    sentences = told(facts, existing(facts, replace(ORDERS, triggers=triggers)))
    assert [sentence for sentence in sentences if "trigger" in sentence] == [
        "trigger on of table orders does not fire for the rows that are moved in"
    ]


def test_views_and_triggers_that_the_application_did_not_make_are_told() -> None:
    facts = source("ID", "note")
    schema = replace(
        facts.schema, views=(View("v", ""), View("w", "")), triggers=(Trigger("t", "Orders", ""),)
    )
    facts = replace(facts, schema=schema)
    there = existing(facts, ORDERS)
    assert "not made in the target, whose schema is the application's: view v, view w, trigger t" in told(
        facts, there
    )


def test_what_fits_is_not_refused() -> None:
    facts = source("ID", "note")
    assert refusals(facts, existing(facts, ORDERS)) == []


def test_a_target_in_which_nothing_was_made_is_refused() -> None:
    assert refusals(source("ID"), existing(source("ID"))) == [("nothing_matches", JOB.target_name)]


def test_a_table_without_a_home_is_refused_when_it_holds_rows() -> None:
    for rows, refused in ((3, [("no_home", "Drafts")]), (0, [])):
        facts = with_drafts(source("ID", "note"), rows)
        assert refusals(facts, existing(facts, ORDERS)) == refused
    assert "table Drafts has no counterpart in the target; it holds no row" in told(
        facts, existing(facts, ORDERS)
    )


def with_drafts(facts: SourceFacts, rows: int) -> SourceFacts:
    """The same with another table, which the target does not have."""
    schema = Schema((*facts.schema.tables, Table("Drafts", ())))
    return replace(facts, schema=schema, profiles={**facts.profiles, "Drafts": TableProfile(rows, {})})


def test_a_column_without_a_home_is_refused_when_it_holds_values() -> None:
    facts = source("ID", "note", "colour")
    assert refusals(facts, existing(facts, ORDERS)) == [("no_home", "Orders.colour")]
    facts = source("ID", "colour", nulls=3, name="Orders")
    there = existing(facts, replace(ORDERS, columns=(PgColumn("id", "integer"),)))
    assert refusals(facts, there) == []
    assert "column colour of table Orders has no counterpart in the target; it holds no value" in told(
        facts, there
    )


def test_a_column_that_needs_a_value_and_gets_none_is_refused() -> None:
    facts = source("ID")
    assert refusals(facts, existing(facts, ORDERS)) == [("no_value", "orders.note")]


def test_values_that_do_not_fit_and_nulls_are_refused() -> None:
    facts = source("ID", "note", nulls=1, misfits=2)
    assert refusals(facts, existing(facts, ORDERS)) == [
        ("null", "Orders.ID"),
        ("misfit", "Orders.note"),
        ("null", "Orders.note"),
    ]


def test_an_override_that_contradicts_the_target_is_refused() -> None:
    facts = source("ID", "note")
    job = replace(JOB, overrides={"Orders.note": "bytea"})
    faults = list(existing_refusals(job, existing(facts, ORDERS), facts))
    assert [(fault.code, fault.where) for fault in faults] == [("override", "Orders.note")]


def test_rows_that_nobody_knows_are_refused_with_their_keys() -> None:
    facts = source("ID", "note")
    for standing, words in (
        (Standing(2, ("id=7", "id=8")), "holds 2 rows, which the source does not have: id=7, id=8"),
        (Standing(20_000, None), "holds 20000 rows"),
    ):
        (fault,) = existing_refusals(JOB, existing(facts, ORDERS, standing={"orders": standing}), facts)
        assert fault.code == "target_not_empty"
        assert words in fault.message


def test_rows_that_stay_and_refer_to_replaced_ones_are_refused() -> None:
    child = PgTable("audit", foreign_keys=(PgForeignKey("fk", ("o",), "public", "orders", ("id",)),))
    facts = source("ID", "note")
    standing = {"orders": Standing(1, ())}
    assert refusals(facts, existing(facts, ORDERS, child, standing=standing, holding="audit")) == [
        ("target_not_empty", "audit")
    ]
    assert refusals(facts, existing(facts, ORDERS, child, standing=standing)) == []
