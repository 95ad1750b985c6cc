"""An application, its configuration, and a server that provision works on."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from opskit.config import Application, Configuration, Database, Postgresql
from opskit.host.private_cluster import PrivateCluster
from opskit.provision.access.effects import SqlEffects
from opskit.provision.access.planning import SqlStep, SqlWanted, decide_sql, wanted_sql
from opskit.provision.access.reader import read_sql
from opskit.provision.access.rules_effects import reload
from opskit.provision.door import Door

PASSWORD = "Geheim-_0123456789abcdefghijklmn"
ROLES = ("crewai_user", "opskit_owner", "opskit_monitor", "opskit_standby", "opskit_backup")
DATABASES = ("crewai_main", "crewai_walmart")

Connection = psycopg.Connection[tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class World:
    """A server, and the `.env` of an application that shall have two databases there."""

    server: PrivateCluster
    env_file: Path
    schemas: tuple[tuple[str, str], ...] = (("crewai_main", "public"), ("crewai_walmart", "public"))

    def sharing(self, database: str, schemas: Sequence[str]) -> "World":
        """The same, with all files in schemas of one database."""
        return replace(self, schemas=tuple((database, schema) for schema in schemas))

    @property
    def configuration(self) -> Configuration:
        """As the operator writes it."""
        main, walmart = self.schemas
        return Configuration(
            {
                "main": Database(self.env_file.with_name("main.db"), main[0], schema=main[1]),
                "walmart": Database(self.env_file.with_name("walmart.db"), walmart[0], schema=walmart[1]),
            },
            Application(self.env_file),
            Postgresql(str(self.server.socket_directory), self.server.port, "crewai_user"),
        )

    @property
    def wanted(self) -> SqlWanted:
        """What the configuration says."""
        return wanted_sql(self.configuration)

    @property
    def door(self) -> Door:
        """The superuser's way in."""
        host = str(self.server.socket_directory)
        return Door({"host": host, "port": self.server.port, "user": self.server.superuser})

    def plan(self) -> Sequence[SqlStep]:
        """What is left to do."""
        return self.decided().steps

    def decided(self) -> Any:
        """What is left to do, and what is told."""
        decided = decide_sql(self.wanted, read_sql(self.door, self.wanted))
        assert not decided.faults
        return decided

    def provision(self) -> SqlEffects:
        """Does all that is left; the effects can put it back."""
        effects = SqlEffects(lambda: self.door)
        for step in self.plan():
            effects.perform(step)
        return effects

    def drift(self) -> list[str]:
        """Why there is something left to do, item by item."""
        return [why for step in self.plan() for why in step.why]

    def reload_files(self) -> None:
        """Makes the server go by its files as they are."""
        with self.door.connect("postgres") as connection:
            reload(connection)

    def admin(self, database: str) -> Connection:
        """A superuser's session."""
        return psycopg.connect(self.server.conninfo(database), autocommit=True)

    def over_tcp(self, database: str, user: str, password: str | None = PASSWORD) -> Connection:
        """A session as from elsewhere; fails as it fails there."""
        conninfo = self.server.conninfo(database, user, host="127.0.0.1")
        return psycopg.connect(conninfo, password=password, autocommit=True)

    def application(self, database: str) -> Connection:
        """A session of the application's, with the password of its `.env`."""
        return self.over_tcp(database, "crewai_user")

    def by_peer(self, database: str, role: str) -> Connection:
        """A session over the socket as the account that runs the tests, if it is let in as that role."""
        return psycopg.connect(self.server.conninfo(database, role), autocommit=True)

    def acting_as(self, database: str, role: str) -> Connection:
        """A superuser's session that has put on a role: it may what that role may."""
        connection = self.admin(database)
        connection.execute(sql.SQL("SET SESSION AUTHORIZATION {}").format(sql.Identifier(role)))
        return connection

    def clear(self, connection: Connection) -> None:
        """Drops every database and role that is not the server's own."""
        for (name,) in connection.execute(
            "SELECT datname FROM pg_database WHERE NOT datistemplate AND datname <> 'postgres'"
        ).fetchall():
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
        for (name,) in connection.execute(
            "SELECT rolname FROM pg_roles WHERE NOT rolname LIKE 'pg\\_%' AND rolname <> 'postgres'"
        ).fetchall():
            connection.execute(sql.SQL("DROP OWNED BY {} CASCADE").format(sql.Identifier(name)))
            connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(name)))
