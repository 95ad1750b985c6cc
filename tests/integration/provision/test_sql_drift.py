"""Drift is named item by item and repaired; what a run did can be put back; a killed run is completed."""

from collections.abc import Mapping
from typing import Any

import pytest

from opskit.provision.access.effects import SqlEffects
from tests.integration.provision.world import PASSWORD, World

MAIN, WALMART, EVERYWHERE = "crewai_main", "crewai_walmart", "postgres"


DRIFT: Mapping[str, tuple[str, str, list[str]]] = {
    "the application may not log in": (
        EVERYWHERE,
        "ALTER ROLE crewai_user NOLOGIN",
        ["role crewai_user may log in: is no, shall be yes"],
    ),
    "the application has become a superuser": (
        EVERYWHERE,
        "ALTER ROLE crewai_user SUPERUSER CREATEDB",
        [
            "role crewai_user is a superuser: is yes, shall be no",
            "role crewai_user may create databases: is yes, shall be no",
        ],
    ),
    "the application's sessions are kept out by limits and an old date": (
        EVERYWHERE,
        """ALTER ROLE crewai_user CONNECTION LIMIT 0 VALID UNTIL '2026-01-02 03:04:05+00'; \
        ALTER DATABASE crewai_walmart CONNECTION LIMIT 0""",
        [
            "role crewai_user: connection limit: is 0, shall be none",
            "role crewai_user: valid until: is 2026-01-02 03:04:05+00, shall be without end",
            "database crewai_walmart: connection limit: is 0, shall be none",
        ],
    ),
    "sessions of opskit's own roles begin otherwise": (
        EVERYWHERE,
        """ALTER ROLE opskit_backup SET search_path = 'a, b', "C"; \
        ALTER ROLE opskit_owner IN DATABASE crewai_main SET statement_timeout = '1s'; \
        ALTER ROLE opskit_standby CONNECTION LIMIT 1; \
        ALTER ROLE opskit_standby SET plpgsql.extra_warnings = 'all'""",
        [
            "role opskit_owner in database crewai_main sets statement_timeout to '1s', shall set nothing",
            "role opskit_standby: connection limit: is 1, shall be none",
            "role opskit_standby sets plpgsql.extra_warnings to 'all', shall set nothing",
            'role opskit_backup sets search_path to \'"a, b", "C"\', shall set nothing',
        ],
    ),
    "its password is another one": (
        EVERYWHERE,
        "ALTER ROLE crewai_user PASSWORD 'other'",
        ["role crewai_user: the server knows another password"],
    ),
    "its password is stored as md5": (
        EVERYWHERE,
        "SET password_encryption = md5; ALTER ROLE crewai_user PASSWORD 'other'",
        ["role crewai_user: its password is stored as md5, shall be scram-sha-256"],
    ),
    "a role that needs no password has one": (
        EVERYWHERE,
        "ALTER ROLE opskit_backup PASSWORD 'x'",
        ["role opskit_backup has a password: is yes, shall be no"],
    ),
    "the application is a member of the owner": (
        EVERYWHERE,
        "REVOKE crewai_user FROM opskit_owner; GRANT opskit_owner TO crewai_user",
        [
            "role crewai_user is a member of opskit_owner: is yes, shall be no",
            "role opskit_owner is a member of crewai_user: is no, shall be yes",
        ],
    ),
    "a role is gone": (
        EVERYWHERE,
        "REVOKE pg_monitor FROM opskit_monitor",
        ["role opskit_monitor is a member of pg_monitor: is no, shall be yes"],
    ),
    "everybody may come in": (
        EVERYWHERE,
        "GRANT CONNECT ON DATABASE crewai_main TO PUBLIC",
        ["crewai_main: PUBLIC may CONNECT on database crewai_main: is yes, shall be no"],
    ),
    "everybody may make tables": (
        WALMART,
        "GRANT CREATE ON SCHEMA public TO PUBLIC",
        ["crewai_walmart: PUBLIC may CREATE on schema public: is yes, shall be no"],
    ),
    "the application may not make tables": (
        MAIN,
        "REVOKE CREATE ON SCHEMA public FROM crewai_user",
        ["crewai_main: crewai_user may CREATE on schema public: is no, shall be yes"],
    ),
    "the application has lost a right on a table of its own": (
        MAIN,
        "REVOKE INSERT ON emails FROM crewai_user",
        ["crewai_main: crewai_user may INSERT on public.emails: is no, shall be yes"],
    ),
    "the monitor may read a table": (
        MAIN,
        "GRANT SELECT ON emails TO opskit_monitor",
        ["crewai_main: opskit_monitor may SELECT on public.emails: is yes, shall be no"],
    ),
    "the backup may not read a sequence": (
        MAIN,
        "REVOKE SELECT ON SEQUENCE emails_id_seq FROM opskit_backup",
        ["crewai_main: opskit_backup may SELECT on public.emails_id_seq: is no, shall be yes"],
    ),
    "later tables are hidden from the standby": (
        MAIN,
        "ALTER DEFAULT PRIVILEGES FOR ROLE crewai_user REVOKE SELECT ON TABLES FROM opskit_standby",
        ["crewai_main: opskit_standby may SELECT on tables that crewai_user will make: is no, shall be yes"],
    ),
    "the database belongs to the application": (
        EVERYWHERE,
        "ALTER DATABASE crewai_main OWNER TO crewai_user",
        [
            "crewai_main: owner of database crewai_main: is crewai_user, shall be opskit_owner",
            "crewai_main: crewai_user may CONNECT on database crewai_main: is no, shall be yes",
            "crewai_main: crewai_user may TEMPORARY on database crewai_main: is no, shall be yes",
        ],
    ),
    "a table belongs to the superuser": (
        MAIN,
        "ALTER TABLE emails OWNER TO postgres",
        ["crewai_main: owner of public.emails: is postgres, shall be crewai_user"],
    ),
    "an extension is gone": (
        WALMART,
        "DROP EXTENSION pg_stat_statements",
        ["crewai_walmart: there is no extension pg_stat_statements"],
    ),
}


@pytest.fixture
def provisioned(world: World) -> World:
    """The server as provision leaves it, with a table of the application's."""
    world.provision()
    with world.application(MAIN) as connection:
        connection.execute("CREATE TABLE emails (id bigserial PRIMARY KEY, text text)")
    return world


@pytest.mark.parametrize("planted", DRIFT)
def test_drift_is_named_and_repaired(provisioned: World, planted: str) -> None:
    database, statements, named = DRIFT[planted]
    with provisioned.admin(database) as connection:
        for statement in statements.split("; "):
            connection.execute(statement.encode())
    assert provisioned.drift() == named
    provisioned.provision()
    assert not provisioned.drift()
    with provisioned.application(MAIN) as connection:
        connection.execute("INSERT INTO emails (text) VALUES ('x')")


IN_SERVER = {
    "roles": """
        SELECT rolname, rolcanlogin, rolsuper, rolreplication, rolinherit, rolconnlimit, rolvaliduntil::text
        FROM pg_authid ORDER BY 1
    """,
    "settings": "SELECT setdatabase, setrole::regrole::text, setconfig FROM pg_db_role_setting ORDER BY 1, 2",
    "members": "SELECT roleid::regrole::text, member::regrole::text FROM pg_auth_members ORDER BY 1, 2",
    "databases": """
        SELECT datname, datdba::regrole::text, datacl::text, datcollate, datconnlimit
        FROM pg_database ORDER BY 1
    """,
}
IN_DATABASE = {
    "schemas": """
        SELECT nspname, nspowner::regrole::text, nspacl::text FROM pg_namespace
        WHERE nspname !~ '^pg_' ORDER BY 1
    """,
    "defaults": """
        SELECT defaclrole::regrole::text, defaclobjtype, defaclacl::text FROM pg_default_acl ORDER BY 1, 2
    """,
    "extensions": "SELECT extname FROM pg_extension ORDER BY 1",
}


def state(world: World) -> dict[str, Any]:
    """All that provision could change: roles with their verifiers, databases, rights, access files."""
    found: dict[str, Any] = {}
    with world.admin("postgres") as connection:
        for name, query in IN_SERVER.items():
            found[name] = connection.execute(query.encode()).fetchall()
    for database in (row[0] for row in found["databases"] if not row[0].startswith("template")):
        with world.admin(database) as connection:
            for name, query in IN_DATABASE.items():
                found[f"{database} {name}"] = connection.execute(query.encode()).fetchall()
    for name in ("pg_hba.conf", "pg_ident.conf"):
        found[name] = (world.server.socket_directory / "data" / name).read_bytes()
    return found


def test_what_a_run_did_is_put_back_step_by_step(world: World) -> None:
    before = state(world)
    steps = world.plan()
    effects = SqlEffects(lambda: world.door)
    for step in steps:
        effects.perform(step)
    for step in reversed(steps):
        effects.revert(step)
    assert state(world) == before


def test_a_repair_that_is_put_back_leaves_the_drift(provisioned: World) -> None:
    with provisioned.admin(MAIN) as connection:
        connection.execute("ALTER ROLE crewai_user NOLOGIN PASSWORD 'other'")
        connection.execute("ALTER TABLE emails OWNER TO postgres")
        connection.execute("GRANT CONNECT ON DATABASE crewai_main TO PUBLIC")
        connection.execute("ALTER ROLE opskit_backup SET search_path = 'a, b', \"C\"")
        connection.execute("ALTER ROLE opskit_backup IN DATABASE crewai_main SET work_mem = '7MB'")
        connection.execute("ALTER ROLE opskit_owner VALID UNTIL '2026-01-02' CONNECTION LIMIT 3")
        connection.execute("ALTER DATABASE crewai_walmart CONNECTION LIMIT 0")
    before, drift = state(provisioned), provisioned.drift()
    steps = provisioned.plan()
    effects = provisioned.provision()
    for step in reversed(steps):
        effects.revert(step)
    assert (state(provisioned), provisioned.drift()) == (before, drift)


def test_a_run_killed_after_any_step_is_completed_by_the_next(world: World) -> None:
    world.provision()
    undisturbed = state(world)
    with world.admin("postgres") as connection:
        world.clear(connection)
    steps = len(world.plan())
    for done in range(steps):
        effects = SqlEffects(lambda: world.door)
        for step in world.plan()[:1]:
            effects.perform(step)
        assert len(world.plan()) < steps - done + 1
    assert state(world) == undisturbed


def test_a_step_that_the_server_refuses_is_told_and_not_put_back(world: World) -> None:
    step = world.plan()[0]
    with world.admin("postgres") as connection:
        connection.execute("CREATE ROLE crewai_user")
    effects = SqlEffects(lambda: world.door)
    with pytest.raises(Exception, match="already exists"):
        effects.perform(step)
    effects.revert(step)
    with world.admin("postgres") as connection:  # it is not ours
        assert connection.execute("SELECT FROM pg_roles WHERE rolname = 'crewai_user'").rowcount == 1


def test_a_database_that_has_come_to_hold_something_is_not_dropped(world: World) -> None:
    steps = world.plan()
    effects = world.provision()
    with world.application(MAIN) as connection:
        connection.execute("CREATE TABLE emails (a int)")
    (creation,) = (step for step in steps if step.title.startswith(f"create database {MAIN}"))
    with pytest.raises(Exception, match="has come to hold emails"):
        effects.revert(creation)


@pytest.mark.parametrize(
    "password", ["it's", 'quo"ted\\', "with space", "pässwörd", "pa\u0308sswo\u0308rd", "ﬁne½"]
)
def test_a_password_of_the_operators_own_is_kept_and_known_again(world: World, password: str) -> None:
    world.env_file.write_text(f"POSTGRES_PASSWORD=`{password}`\n")
    world.provision()
    assert not world.drift()
    world.over_tcp(MAIN, "crewai_user", password).close()


def test_the_password_reaches_neither_log_nor_statistics_nor_plan(world: World) -> None:
    steps = world.plan()
    world.provision()
    with world.admin("postgres") as connection:
        connection.execute("ALTER ROLE crewai_user PASSWORD 'other'")
    world.provision()
    log = world.server.log.read_text()
    assert "CREATE ROLE" in log  # statements are logged
    verifier = "SCRAM-SHA-256"
    with world.admin("postgres") as connection:
        connection.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
        texts = [text for (text,) in connection.execute("SELECT query FROM pg_stat_statements")]
        connection.execute("DROP EXTENSION pg_stat_statements")
    for place in (log, *texts, repr(steps)):
        assert PASSWORD not in place
        assert verifier not in place
