"""Troubles planted on a sound host: each is named, once, with its remedy; what --fix mends it mends."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from tests.system.debian import Debian
from tests.system.provisioned import environment, opskit, psql

pytestmark = [pytest.mark.system, pytest.mark.timeout(1200)]

CONFIGURATION = """\
application: {env_file: /srv/crewai/.env, unit: crewai.service}
databases:
  main: {sqlite: /srv/crewai/data/crewai_enhanced.db, postgresql: crewai_main}
  walmart: {sqlite: /srv/crewai/data/walmart_grocery.db, postgresql: crewai_walmart}
postgresql: {host: /var/run/postgresql, user: crewai_user}
backup: {directory: /var/backups/opskit}
"""
APPLICATION = """\
[Service]
User=crewai
WorkingDirectory=/srv/crewai
ExecStart=/usr/bin/python3 /srv/crewai/server.py
KillSignal=SIGKILL
"""
SERVER = """\
import sqlite3, sys, time
connection = sqlite3.connect("data/crewai_enhanced.db", isolation_level=None)
connection.execute("PRAGMA journal_mode = WAL")
connection.execute("CREATE TABLE IF NOT EXISTS beats (at TEXT)")
connection.execute("INSERT INTO beats VALUES (datetime('now'))")
for statement in sys.argv[1:]:
    connection.execute(statement)
time.sleep(3600)
"""
FOLDING = """\
import sqlite3
connection = sqlite3.connect("data/crewai_enhanced.db")
connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
connection.close()
"""
ENV = "/srv/crewai/.env"
FILE = "/srv/crewai/data/crewai_enhanced.db"
HBA = "/etc/postgresql/15/main/pg_hba.conf"
FOLD = "cd /srv/crewai && runuser -u crewai -- python3 fold.py"
DROP_IN = "/etc/systemd/system/crewai.service.d/database.conf"


@pytest.fixture(scope="module")
def sound(host: Debian) -> Debian:
    """A provisioned host with the application's service installed, and not running."""
    host.write("/etc/opskit/opskit.yaml", CONFIGURATION)
    host.write("/etc/systemd/system/crewai.service", APPLICATION)
    host.write("/srv/crewai/server.py", SERVER)
    host.write("/srv/crewai/fold.py", FOLDING)
    host.run(["systemctl", "daemon-reload"])
    opskit(host, "provision", "--yes")
    return host


Act = Callable[[Debian], object]


def shell(command: str) -> Act:
    return lambda host: host.run(["sh", "-c", command])


def sql(statement: str, *databases: str) -> Act:
    def act(host: Debian) -> None:
        for database in databases or ("postgres",):
            psql(host, database, statement)

    return act


def key(name: str, value: str) -> Act:
    return shell(f"sed -i 's/^{name}=.*/{name}={value}/' {ENV}")


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is planted, what the doctor says of it, and what undoes it where `--fix` does not."""

    plant: Act
    code: str
    words: str
    remedy: str = "opskit provision"
    undo: Act | None = None


BOTH = ("crewai_main", "crewai_walmart")
TROUBLES = {
    "the server is stopped": Trouble(
        shell("systemctl stop postgresql@15-main"),
        "server_down",
        "15/main is stopped",
        "systemctl start postgresql@15-main",
    ),
    "the server is not installed": Trouble(
        shell("DEBIAN_FRONTEND=noninteractive apt-get -qq --yes remove postgresql-15"),
        "server_missing",
        "no PostgreSQL cluster that could run",
        undo=shell("opskit provision --yes"),
    ),
    "the server hangs": Trouble(
        shell("kill -STOP $(head -1 /var/lib/postgresql/15/main/postmaster.pid)"),
        "server_silent",
        "does not answer",
        "systemctl restart postgresql@15-main",
        shell("kill -CONT $(head -1 /var/lib/postgresql/15/main/postmaster.pid)"),
    ),
    "nobody listens at the port": Trouble(
        key("POSTGRES_PORT", "5433"), "port_refused", "15/main is at port 5432"
    ),
    "the host has no address": Trouble(key("POSTGRES_HOST", "db.invalid"), "host_unknown", "db.invalid"),
    "the password is another": Trouble(
        sql("ALTER ROLE crewai_user PASSWORD 'x'"), "authentication_failed", "crewai_user"
    ),
    "the role may not log in": Trouble(sql("ALTER ROLE crewai_user NOLOGIN"), "role_locked", "crewai_user"),
    "the role is gone": Trouble(
        lambda host: (
            sql("DROP OWNED BY crewai_user CASCADE", *BOTH)(host),
            sql("DROP ROLE crewai_user")(host),
        ),
        "role_missing",
        "there is no role crewai_user",
    ),
    "a database is gone": Trouble(
        sql("DROP DATABASE crewai_walmart WITH (FORCE)"), "database_missing", "crewai_walmart"
    ),
    "no right to connect": Trouble(
        sql("REVOKE CONNECT ON DATABASE crewai_main FROM crewai_user"),
        "permission_denied",
        "may not connect to crewai_main",
    ),
    "no right to create tables": Trouble(
        sql("REVOKE CREATE ON SCHEMA public FROM crewai_user", "crewai_walmart"),
        "permission_denied",
        "may not CREATE in the schema public",
    ),
    "an access rule refuses": Trouble(
        shell(f"sed -i '1i host all crewai_user all reject' {HBA} && systemctl reload postgresql"),
        "access_rule_missing",
        "does not admit crewai_user",
    ),
    "encryption is asked of a server without": Trouble(
        lambda host: (
            sql("ALTER SYSTEM SET ssl = off")(host),
            sql("SELECT pg_reload_conf()")(host),
            key("POSTGRES_SSL", "true")(host),
        ),
        "wrong_ssl",
        "POSTGRES_SSL shall be false",
    ),
    "a key is missing": Trouble(
        shell(f"sed -i /^POSTGRES_PASSWORD=/d {ENV}"), "env_incomplete", "POSTGRES_PASSWORD"
    ),
    "the unit overrides": Trouble(
        shell(
            f"mkdir -p $(dirname {DROP_IN}) &&"
            f" printf '[Service]\\nEnvironment=POSTGRES_PORT=6543\\n' > {DROP_IN} && systemctl daemon-reload"
        ),
        "env_overridden",
        DROP_IN,
        "systemctl edit --full crewai.service",
        shell(f"rm {DROP_IN} && systemctl daemon-reload"),
    ),
    "others may read the password": Trouble(shell(f"chmod 644 {ENV}"), "drift", "0644"),
    "the SQLite file is gone": Trouble(
        shell(f"mv {FILE} {FILE}.away"),
        "sqlite_missing",
        FILE,
        "correct databases.main.sqlite in the configuration",
        shell(f"mv {FILE}.away {FILE}"),
    ),
    "root has left a file beside it that the application may not write": Trouble(
        shell(f"touch {FILE}-wal {FILE}-shm"),
        "sqlite_unwritable",
        f"crewai may not write {FILE}-wal",
        f"chown crewai: {FILE}-wal",
        shell(f"rm {FILE}-wal {FILE}-shm"),
    ),
    "the SQLite file is damaged": Trouble(
        shell(
            f"cp -a {FILE} {FILE}.good && dd if=/dev/urandom of={FILE} bs=4096 seek=3 count=2 conv=notrunc"
        ),
        "sqlite_corrupt",
        FILE,
        f"sqlite3 {FILE} .recover | sqlite3 {FILE}.recovered",
        shell(f"mv {FILE}.good {FILE}"),
    ),
    "the SQLite file is locked": Trouble(
        shell(
            "systemd-run --quiet --unit=locker --uid=crewai --working-directory=/srv/crewai"
            " python3 server.py 'BEGIN IMMEDIATE'; sleep 1"
        ),
        "sqlite_locked",
        "server.py BEGIN IMMEDIATE",
        "systemctl stop locker.service",
        shell(f"systemctl stop locker.service; {FOLD}"),
    ),
    "the application writes to SQLite while it should use PostgreSQL": Trouble(
        lambda host: (
            key("DATABASE_TYPE", "postgresql")(host),
            shell("systemctl start crewai; sleep 1")(host),
        ),
        "sqlite_held",
        "server.py",
        "systemctl restart crewai.service",
        lambda host: (key("DATABASE_TYPE", "sqlite")(host), shell(f"systemctl stop crewai; {FOLD}")(host)),
    ),
    "a killed process has left a -wal": Trouble(
        shell("systemctl start crewai; sleep 1; systemctl kill --signal=KILL crewai; sleep 1"),
        "stale_wal",
        FILE,
        f"sqlite3 {FILE} 'PRAGMA wal_checkpoint(TRUNCATE)'",
        shell(FOLD),
    ),
    "a disk is full": Trouble(
        shell(
            "mount -t tmpfs -o size=32m,mode=0750,uid=opskit,gid=opskit tmpfs /var/backups/opskit"
            " && head -c 31M /dev/zero > /var/backups/opskit/ballast"
        ),
        "disk_space",
        "/var/backups/opskit",
        "du --one-file-system --human-readable --max-depth=2 /var/backups/opskit | sort --human-numeric-sort",
        shell("umount /var/backups/opskit"),
    ),
}


def test_a_sound_host_has_no_findings(sound: Debian) -> None:
    seen = opskit(sound, "doctor")
    assert (seen["ok"], seen["result"]) == (True, {"healthy": True, "findings": [], "unseen": []})


@pytest.mark.parametrize("name", TROUBLES)
def test_trouble_is_named_once_with_its_remedy_and_healed(sound: Debian, name: str) -> None:
    trouble = TROUBLES[name]
    trouble.plant(sound)
    seen = opskit(sound, "doctor", code=3)
    assert environment(sound).get("POSTGRES_PASSWORD", "none") not in str(seen)
    (finding,) = seen["result"]["findings"]
    assert (finding["code"], finding["remedy"]) == (trouble.code, trouble.remedy)
    assert trouble.words in finding["what"]
    assert finding["fixable"] == (trouble.undo is None)
    if trouble.undo is None:
        fixed = opskit(sound, "doctor", "--fix")
        assert fixed["changed"]
        assert [healed["code"] for healed in fixed["result"]["healed"]] == [trouble.code]
    else:
        left = opskit(sound, "doctor", "--fix", code=3)
        assert [one["code"] for one in left["result"]["left"]] == [trouble.code]
        assert not left["changed"]
        trouble.undo(sound)
    assert opskit(sound, "doctor")["result"]["healthy"]
