"""A SQLite schema beside one that the application made itself: what belongs together, and in which order."""

from opskit.schema.matching import is_bookkeeping, load_order, match, pair_names, value_type
from opskit.schema.model import Affinity, Column, Schema, Table
from opskit.schema.names import map_names
from opskit.schema.target_schema import PgColumn, PgForeignKey, PgKey, PgTable, TargetSchema


def source(*tables: tuple[str, tuple[str, ...]]) -> Schema:
    return Schema(
        tuple(
            Table(name, tuple(Column(column, "TEXT", Affinity.TEXT) for column in columns))
            for name, columns in tables
        )
    )


def target(*tables: PgTable) -> TargetSchema:
    return TargetSchema("public", {table.name: table for table in tables})


def table(name: str, *columns: str, refers_to: tuple[str, ...] = (), kind: str = "table") -> PgTable:
    keys = tuple(PgForeignKey(f"{name}_{parent}", ("x",), "public", parent, ("id",)) for parent in refers_to)
    return PgTable(name, kind, columns=tuple(PgColumn(one, "text") for one in columns), foreign_keys=keys)


def pairs_of(schema: Schema, other: TargetSchema) -> dict[str, str]:
    matching = match(schema, other, map_names(schema))
    return {one.source.name: one.target.name for one in matching.tables}


def test_the_same_name_comes_before_the_same_letters() -> None:
    assert pair_names(["Users"], ["users", "Users"], str) == {"Users": "Users"}


def test_a_name_that_differs_by_case_alone_is_found() -> None:
    schema = source(("Users", ("userId", "Name")))
    (found,) = match(schema, target(table("users", "userid", "name")), map_names(schema)).tables
    assert [(column.source, column.target.name) for column in found.columns] == [
        ("userId", "userid"),
        ("Name", "name"),
    ]


def test_a_name_that_two_tables_spell_otherwise_decides_nothing() -> None:
    assert pairs_of(source(("USERS", ("id",))), target(table("users"), table("Users"))) == {}


def test_letters_outside_ascii_are_not_folded() -> None:
    assert pairs_of(source(("Ärger", ("id",))), target(table("ärger"))) == {}


def test_the_name_that_migrate_would_give_is_found() -> None:
    schema = source(("t", ("xmin", "a" * 80)))
    names = map_names(schema)
    (found,) = match(schema, target(table("t", "xmin_", names.column("t", "a" * 80))), names).tables
    assert found.homeless == ()


def test_every_name_of_the_target_is_used_once() -> None:
    assert pair_names(["xmin", "xmin_"], ["xmin_"], lambda name: name.rstrip("_") + "_") == {"xmin_": "xmin_"}


def test_what_only_one_side_has_is_named() -> None:
    schema = source(("orders", ("id", "note")), ("drafts", ("id",)))
    matching = match(schema, target(table("orders", "id", "created"), table("outbox")), map_names(schema))
    assert matching.homeless == ("drafts",)
    assert matching.added == ("outbox",)
    assert matching.tables[0].homeless == ("note",)
    assert [column.name for column in matching.tables[0].added] == ["created"]


def test_tables_of_migration_tools_are_nobodys_home() -> None:
    schema = source(("alembic_version", ("version_num",)), ("t", ("id",)))
    matching = match(
        schema, target(table("alembic_version"), table("t", "id"), table("SequelizeMeta")), map_names(schema)
    )
    assert [one.source.name for one in matching.tables] == ["t"]
    assert matching.bookkeeping == ("SequelizeMeta", "alembic_version")
    assert matching.homeless == matching.added == ()


def test_a_foreign_table_or_a_partition_takes_no_rows() -> None:
    other = target(
        table("a", kind="foreign table"), table("b", kind="partition"), table("c", kind="partitioned table")
    )
    assert pairs_of(source(("a", ()), ("b", ()), ("c", ())), other) == {"c": "c"}


def test_generated_columns_are_matched_and_not_copied() -> None:
    schema = source(("t", ("a", "b")))
    other = PgTable("t", columns=(PgColumn("a", "text"), PgColumn("b", "text", generated="upper(a)")))
    (found,) = match(schema, target(other), map_names(schema)).tables
    assert [column.source for column in found.copied()] == ["a"]
    assert found.homeless == ()


def test_a_key_is_one_only_when_all_its_columns_take_values() -> None:
    schema = source(("t", ("id",)))
    columns = (PgColumn("tenant", "text"), PgColumn("id", "text"))
    for key, expected in ((("id",), ["id"]), (("tenant", "id"), [])):
        other = PgTable("t", columns=columns, primary_key=PgKey("t_pkey", key))
        (found,) = match(schema, target(other), map_names(schema)).tables
        assert [column.source for column in found.key()] == expected


def test_a_domain_takes_the_values_of_the_type_beneath_it() -> None:
    other = TargetSchema("public", domains={"email": "short", "short": "character varying(80)"})
    assert value_type("email", other) == "character varying(80)"


def test_an_enum_takes_its_labels() -> None:
    other = TargetSchema("public", enums={"mood": ("it's", "fine")}, domains={"my_mood": "mood"})
    assert value_type("my_mood", other) == "enum('it''s', 'fine')"


def test_parents_are_filled_before_their_children() -> None:
    tables = [
        table("item", refers_to=("order", "product")),
        table("order", refers_to=("user",)),
        table("user"),
        table("product"),
    ]
    order = load_order(tables, "public")
    assert order.circular == ()
    assert order.tables.index("user") < order.tables.index("order") < order.tables.index("item")
    assert order.tables.index("product") < order.tables.index("item")


def test_a_table_may_refer_to_itself() -> None:
    assert load_order([table("node", refers_to=("node",))], "public").circular == ()


def test_keys_in_a_circle_are_named_and_the_rest_keeps_its_order() -> None:
    tables = [
        table("team", refers_to=("person", "city")),
        table("person", refers_to=("team",)),
        table("city"),
    ]
    order = load_order(tables, "public")
    assert order.tables[0] == "city"
    assert [(name, key.name) for name, key in order.circular] == [
        ("team", "team_person"),
        ("person", "person_team"),
    ]


def test_parents_in_another_schema_are_there_already() -> None:
    key = PgForeignKey("fk", ("x",), "auth", "t", ("id",))
    assert load_order([PgTable("t", foreign_keys=(key,))], "public").circular == ()


def test_bookkeeping_is_told_by_its_name_in_any_case() -> None:
    assert is_bookkeeping("Alembic_Version")
    assert not is_bookkeeping("alembic_versions_of_mine")
