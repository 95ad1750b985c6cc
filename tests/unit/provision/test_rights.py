"""The difference of rights, as few statements."""

from hypothesis import given
from hypothesis import strategies as st

from opskit.provision.access.databases import (
    ChangeOwner,
    DatabaseFacts,
    Duties,
    HandOver,
    Owned,
    Relation,
    SchemaFacts,
    WantedDatabase,
    as_created,
    handover_steps,
    ownership_steps,
    told_of,
)
from opskit.provision.access.rights import PUBLIC, ChangeRights, Kind, Right, right_steps, statement
from opskit.provision.access.who_may_what import missing_and_surplus

DUTIES = Duties("owner", "app", "monitor", "standby", "backup")
WANTED = WantedDatabase("shop")
FRESH = as_created("shop", "owner")


def settled(facts: DatabaseFacts) -> DatabaseFacts:
    """The database after its rights are put right."""
    missing, surplus = missing_and_surplus(WANTED, facts, DUTIES)
    return changed(facts, give=missing, take=surplus)


def changed(
    facts: DatabaseFacts, *, give: frozenset[Right] = frozenset(), take: frozenset[Right] = frozenset()
) -> DatabaseFacts:
    """The database with other rights."""
    return DatabaseFacts(
        facts.name,
        facts.owner,
        schemas=facts.schemas,
        relations=facts.relations,
        rights=(facts.rights | give) - take,
        guests=facts.guests,
    )


def with_table(
    *relations: Relation, owner: str = "owner", guests: frozenset[str] = frozenset()
) -> DatabaseFacts:
    """A fresh database with some tables."""
    return DatabaseFacts(
        "shop", owner, schemas=FRESH.schemas, relations=relations, rights=FRESH.rights, guests=guests
    )


def table(name: str, owner: str = "app", *, ours: bool = True) -> Relation:
    """A table of schema public."""
    return Relation(Kind.TABLE, "public", name, owner, ours)


def test_once_put_right_nothing_is_missing_and_nothing_too_much() -> None:
    facts = settled(with_table(table("emails"), Relation(Kind.SEQUENCE, "public", "ids", "app", ours=True)))
    assert missing_and_surplus(WANTED, facts, DUTIES) == (frozenset(), frozenset())


ROLES = st.sampled_from([PUBLIC, "owner", "app", "monitor", "standby", "backup", "alice"])
RIGHTS = st.frozensets(
    st.builds(Right, st.just(Kind.DATABASE), ROLES, st.sampled_from(["CONNECT", "CREATE"]), st.just("shop"))
    | st.builds(Right, st.just(Kind.SCHEMA), ROLES, st.sampled_from(["USAGE", "CREATE"]), st.just("public"))
    | st.builds(
        Right,
        st.just(Kind.TABLE),
        ROLES,
        st.sampled_from(["SELECT", "INSERT"]),
        st.sampled_from(["emails", "sums"]),
        st.just("public"),
    )
    | st.builds(
        Right, st.just(Kind.FUTURE_TABLES), ROLES, st.just("SELECT"), st.sampled_from(["app", "owner"])
    )
)


@given(RIGHTS, st.frozensets(st.just("alice")))
def test_whatever_was_there_is_put_right_in_one_go_and_others_lose_nothing(
    rights: frozenset[Right], guests: frozenset[str]
) -> None:
    tables = (table("emails"), table("sums", "alice", ours=False))
    facts = DatabaseFacts(
        "shop", "owner", schemas=FRESH.schemas, relations=tables, rights=rights, guests=guests
    )
    missing, surplus = missing_and_surplus(WANTED, facts, DUTIES)
    assert not [right for right in surplus if right.grantee in {"alice", "owner"}]
    assert not missing & surplus
    put_right = changed(facts, give=missing, take=surplus)
    assert missing_and_surplus(WANTED, put_right, DUTIES) == (frozenset(), frozenset())


def test_everybody_loses_the_way_in() -> None:
    _, surplus = missing_and_surplus(WANTED, FRESH, DUTIES)
    assert surplus == {
        Right(Kind.DATABASE, PUBLIC, "CONNECT", "shop"),
        Right(Kind.DATABASE, PUBLIC, "TEMPORARY", "shop"),
        Right(Kind.SCHEMA, PUBLIC, "USAGE", "public"),
    }


def test_monitoring_may_see_no_table() -> None:
    facts = with_table(table("emails"))
    rights = settled(facts).rights
    assert not [one for one in rights if one.grantee == "monitor" and one.kind is Kind.TABLE]
    leaky = changed(
        settled(facts), give=frozenset({Right(Kind.TABLE, "monitor", "SELECT", "emails", "public")})
    )
    (step,) = right_steps("shop", *missing_and_surplus(WANTED, leaky, DUTIES))
    assert step.title == "shop: revoke SELECT on table public.emails from monitor"
    assert step.why == ("shop: monitor may SELECT on public.emails: is yes, shall be no",)


def test_readers_see_every_table_also_those_that_the_application_will_make() -> None:
    rights = settled(with_table(table("emails"))).rights
    for reader in ("standby", "backup"):
        assert Right(Kind.TABLE, reader, "SELECT", "emails", "public") in rights
        for maker in ("app", "owner"):
            assert Right(Kind.FUTURE_TABLES, reader, "SELECT", maker) in rights


def test_what_the_application_gave_others_on_its_tables_is_its_own_business() -> None:
    given = frozenset({Right(Kind.TABLE, PUBLIC, "SELECT", "emails", "public")})
    facts = changed(settled(with_table(table("emails"))), give=given)
    assert missing_and_surplus(WANTED, facts, DUTIES) == (frozenset(), frozenset())


def test_a_privilege_that_the_application_lost_on_a_table_comes_back() -> None:
    lost = frozenset({Right(Kind.TABLE, "app", "INSERT", "emails", "public")})
    facts = changed(settled(with_table(table("emails"))), take=lost)
    assert missing_and_surplus(WANTED, facts, DUTIES) == (lost, frozenset())


def test_guests_who_came_in_as_everybody_could_get_a_door_of_their_own() -> None:
    facts = with_table(table("sums", "alice", ours=False), guests=frozenset({"alice"}))
    missing, _ = missing_and_surplus(WANTED, facts, DUTIES)
    assert Right(Kind.DATABASE, "alice", "CONNECT", "shop") in missing
    assert Right(Kind.SCHEMA, "alice", "USAGE", "public") in missing
    assert missing_and_surplus(WANTED, settled(facts), DUTIES) == (frozenset(), frozenset())


def test_a_guest_who_could_not_come_in_before_gets_no_door() -> None:
    closed = changed(with_table(guests=frozenset({"alice"})), take=FRESH.rights)
    missing, _ = missing_and_surplus(WANTED, closed, DUTIES)
    assert not [right for right in missing if right.grantee == "alice"]


def test_a_table_of_others_is_read_by_readers_and_left_to_its_owner() -> None:
    facts = with_table(table("sums", "alice", ours=False))
    missing, _ = missing_and_surplus(WANTED, facts, DUTIES)
    assert {right.grantee for right in missing if right.name == "sums"} == {"standby", "backup"}
    assert not list(handover_steps(WANTED, facts, DUTIES))
    assert list(
        told_of(DatabaseFacts("shop", "owner", owned=(owned("sums", "alice", ours=False),)), DUTIES)
    ) == ["shop: what belongs to alice stays theirs; the application cannot alter it"]


def owned(name: str, owner: str, *, ours: bool = True) -> Owned:
    """A table of schema public, as an owner has it."""
    return Owned("TABLE", "public", f"public.{name}", owner, ours)


def test_what_opskit_or_a_superuser_made_is_handed_to_the_application() -> None:
    objects = (owned("deals", "owner"), owned("emails", "postgres"), owned("users", "app"))
    facts = DatabaseFacts("shop", "owner", schemas=FRESH.schemas, owned=objects)
    (step,) = handover_steps(WANTED, facts, DUTIES)
    assert step == HandOver("shop", "public", objects[:2], "app")
    assert step.title == "shop: give public.deals and 1 more to app"
    assert step.why[1] == "shop: owner of public.emails: is postgres, shall be app"


def test_what_was_handed_over_needs_no_grant_to_its_new_owner() -> None:
    missing, _ = missing_and_surplus(WANTED, with_table(table("emails", "postgres")), DUTIES)
    assert not [right for right in missing if right.grantee == "app" and right.kind is Kind.TABLE]


def test_a_database_of_the_applications_own_goes_to_the_owner_and_the_way_in_stays() -> None:
    rights = {Right(Kind.DATABASE, "app", one, "shop") for one in ("CONNECT", "TEMPORARY", "CREATE")}
    schemas = (SchemaFacts("public", "app"),)
    facts = DatabaseFacts("shop", "app", schemas=schemas, rights=FRESH.rights | rights)
    assert list(ownership_steps(WANTED, facts, DUTIES)) == [
        ChangeOwner("shop", Kind.DATABASE, "shop", "app", "owner"),
        ChangeOwner("shop", Kind.SCHEMA, "public", "app", "owner"),
    ]
    missing, surplus = missing_and_surplus(WANTED, facts, DUTIES)
    assert Right(Kind.DATABASE, "app", "CONNECT", "shop") in missing
    assert Right(Kind.DATABASE, "app", "CREATE", "shop") not in surplus  # it went with the database


def test_a_fence_is_neither_opened_nor_completed() -> None:
    facts = settled(with_table(table("emails")))
    shut = frozenset(
        right
        for right in facts.rights
        if right.grantee == "app" and right.kind in {Kind.DATABASE, Kind.SCHEMA}
    )
    fenced = DatabaseFacts(
        "shop",
        "owner",
        schemas=(SchemaFacts("public", "owner", fenced=True),),
        relations=facts.relations,
        rights=facts.rights - shut,
    )
    assert missing_and_surplus(WANTED, fenced, DUTIES) == (frozenset(), frozenset())
    assert list(told_of(fenced, DUTIES)) == [
        "shop: schema public is fenced: what app may there is left as it is"
    ]


def test_what_is_given_comes_before_what_is_taken() -> None:
    steps = list(right_steps("shop", *missing_and_surplus(WANTED, FRESH, DUTIES)))
    assert [step.shall for step in steps] == sorted((step.shall for step in steps), reverse=True)


def test_tables_with_the_same_need_share_a_statement() -> None:
    tables = [Right(Kind.TABLE, "backup", "SELECT", name, "public") for name in ("b", 'a"b')]
    (step,) = right_steps("shop", tables, ())
    assert step.title == "shop: grant SELECT on 2 tables of public to backup"
    assert statement(step) == 'GRANT SELECT ON TABLE "public"."a""b", "public"."b" TO "backup"'


def test_roles_with_the_same_need_share_a_statement() -> None:
    missing, _ = missing_and_surplus(WANTED, FRESH, DUTIES)
    titles = [step.title for step in right_steps("shop", missing, ())]
    assert "shop: grant CONNECT on database shop to backup, monitor, standby" in titles
    assert "shop: grant SELECT on tables that app or owner will make to backup, standby" in titles
    assert "shop: grant everything on tables that owner will make to app" in titles


def test_rights_on_what_comes_name_its_maker() -> None:
    step = ChangeRights("shop", Kind.FUTURE_TABLES, ("backup",), ("SELECT",), ("app",), "public", shall=True)
    assert step.title == "shop: grant SELECT on tables that app will make in public to backup"
    assert statement(step) == (
        'ALTER DEFAULT PRIVILEGES FOR ROLE "app" IN SCHEMA "public" GRANT SELECT ON TABLES TO "backup"'
    )


def test_a_database_in_another_order_of_texts_is_told_and_stays() -> None:
    facts = DatabaseFacts("shop", "owner", "LATIN1", "de_DE.UTF-8")
    assert len(list(told_of(facts, DUTIES))) == 2
