"""A server that is not on this host: over TCP and TLS, as an administrator who is no superuser."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from opskit.config import Administrator, Application, Configuration, Database, Postgresql, Provision, Secret
from opskit.errors import ConnectionFailed
from opskit.host.commands import run
from opskit.host.postgresql_programs import server_account
from opskit.host.private_cluster import PrivateCluster, private_cluster
from opskit.provision.access.effects import SqlEffects
from opskit.provision.access.planning import SqlStep, decide_sql, wanted_sql
from opskit.provision.access.reader import read_sql
from opskit.provision.door import Door, remote_door
from tests.conftest import FAST_AND_FAR
from tests.integration.provision.world import PASSWORD


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """A managed server, and the configuration that names it."""

    server: PrivateCluster
    configuration: Configuration

    @property
    def door(self) -> Door:
        """The administrator's way in."""
        return remote_door(self.configuration)

    def decided(self) -> tuple[tuple[SqlStep, ...], tuple[str, ...]]:
        """What is left to do, and what is told."""
        wanted = wanted_sql(self.configuration)
        decided = decide_sql(wanted, read_sql(self.door, wanted))
        return decided.steps, decided.told

    def provision(self) -> SqlEffects:
        """Does all that is left."""
        effects = SqlEffects(lambda: self.door)
        for step in self.decided()[0]:
            effects.perform(step)
        return effects

    def connect(self, role: str, password: str) -> psycopg.Connection[tuple[object, ...]]:
        """A session in the application's database, by password."""
        conninfo = self.server.conninfo("crewai_main", role, host="127.0.0.1")
        return psycopg.connect(conninfo, password=password, sslmode="require", autocommit=True)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with server.crt for 127.0.0.1, and its key, that the server's account may read."""
    directory = tmp_path_factory.mktemp("tls")
    files = ["-keyout", directory / "server.key", "-out", directory / "server.crt"]
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
    names = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    run(["openssl", "req", "-x509", "-nodes", "-days", "2", *curve, *files, *names])
    account = server_account()
    for path in (*directory.parents[:2], directory):
        path.chmod(0o755)
    (directory / "server.key").chmod(0o600)
    if account is not None:
        os.chown(directory / "server.key", account.pw_uid, account.pw_gid)
    return directory


@pytest.fixture
def elsewhere(certificate: Path, tmp_path: Path) -> Iterator[Elsewhere]:
    """Two hosts of which the first is down; encryption is asked for, and the certificate checked."""
    settings = {
        **FAST_AND_FAR,
        "ssl": "on",
        "ssl_cert_file": str(certificate / "server.crt"),
        "ssl_key_file": str(certificate / "server.key"),
    }
    (tmp_path / ".env").write_text(f"POSTGRES_PASSWORD={PASSWORD}\n")
    (tmp_path / "admin").write_text("admin's\n")
    with private_cluster(settings=settings, password=True) as server:
        with psycopg.connect(server.conninfo("postgres"), autocommit=True) as connection:
            connection.execute("CREATE ROLE admin LOGIN CREATEDB CREATEROLE PASSWORD 'admin''s'")
        parameters = {
            "sslmode": "verify-full",
            "sslrootcert": str(certificate / "server.crt"),
            "target_session_attrs": "read-write",
        }
        configuration = Configuration(
            {"main": Database(tmp_path / "main.db", "crewai_main")},
            Application(tmp_path / ".env"),
            Postgresql("127.0.0.2,127.0.0.1", server.port, "crewai_user", parameters=parameters),
            provision=Provision(admin=Administrator("admin", Secret(file=tmp_path / "admin"))),
        )
        yield Elsewhere(server, configuration)


def test_the_part_that_sql_can_do_is_done_and_the_rest_is_told(elsewhere: Elsewhere) -> None:
    steps, _ = elsewhere.decided()
    assert not [step for step in steps if "pg_hba" in step.title]
    elsewhere.provision()
    steps, told = elsewhere.decided()
    assert not steps
    assert "is not on this host" in told[0]
    assert [sentence.split(",")[0] for sentence in told[1:]] == [
        "role opskit_standby may not replicate",
        "role opskit_owner may not set session_replication_role",
        "crewai_main: extension pg_stat_statements is missing",
    ]


def test_the_application_works_there_and_reaches_no_further(elsewhere: Elsewhere) -> None:
    elsewhere.provision()
    with elsewhere.connect("crewai_user", PASSWORD) as connection:
        connection.execute("CREATE TABLE notes (a int)")
        connection.execute("INSERT INTO notes VALUES (1)")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("CREATE SCHEMA other")
    assert not elsewhere.decided()[0]


def test_another_password_is_noticed_by_trying_it(elsewhere: Elsewhere) -> None:
    elsewhere.provision()
    with psycopg.connect(elsewhere.server.conninfo("postgres"), autocommit=True) as connection:
        connection.execute("ALTER ROLE crewai_user PASSWORD 'other'")
    (step,) = elsewhere.decided()[0]
    assert step.why == ("role crewai_user: the server knows another password",)
    elsewhere.provision()
    elsewhere.connect("crewai_user", PASSWORD).close()


def test_what_the_administrator_made_before_is_adopted(elsewhere: Elsewhere) -> None:
    with elsewhere.door.connect("postgres") as connection:
        connection.execute("CREATE DATABASE crewai_main TEMPLATE template0 LOCALE 'C.UTF-8'")
    with elsewhere.door.connect("crewai_main") as connection:
        connection.execute("CREATE TABLE public.emails (id bigint GENERATED ALWAYS AS IDENTITY)")
    elsewhere.provision()
    assert not elsewhere.decided()[0]
    with elsewhere.connect("crewai_user", PASSWORD) as connection:
        connection.execute("ALTER TABLE emails ADD COLUMN text text")


def test_what_was_done_there_is_put_back(elsewhere: Elsewhere) -> None:
    steps, _ = elsewhere.decided()
    effects = elsewhere.provision()
    for step in reversed(steps):
        effects.revert(step)
    assert elsewhere.decided()[0] == steps


def test_roles_that_log_in_by_password_there_are_told_until_they_have_one(elsewhere: Elsewhere) -> None:
    _, told = elsewhere.decided()
    assert told[1] == (
        "roles opskit_owner, opskit_monitor, opskit_standby, opskit_backup have no password yet: where opskit"
        " shall log in as one of them, set it with \\password and name its place in the configuration"
    )


def test_a_password_that_the_operator_gave_to_a_role_stays(elsewhere: Elsewhere) -> None:
    with psycopg.connect(elsewhere.server.conninfo("postgres"), autocommit=True) as connection:
        connection.execute("ALTER ROLE admin SUPERUSER")
        elsewhere.provision()
        connection.execute("ALTER ROLE opskit_monitor PASSWORD 'given'")
    steps, told = elsewhere.decided()
    assert not steps
    assert "opskit_monitor" not in told[1]
    elsewhere.connect("opskit_monitor", "given").close()


def test_a_certificate_of_somebody_else_is_refused(elsewhere: Elsewhere, tmp_path: Path) -> None:
    other = tmp_path / "other.crt"
    other.write_text("")
    parameters = {**elsewhere.configuration.postgresql.parameters, "sslrootcert": str(other)}
    door = Door({**elsewhere.door.parameters, **parameters})
    with pytest.raises(ConnectionFailed, match="certificate"):
        door.connect("postgres")
