"""A provisioned Debian whose application writes as tests/crash says, and whose host loses its power."""

import base64
import json
import pickle
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from opskit.config import Engine
from tests.crash.checker import Found, Window
from tests.crash.ledger import Event, Note, read_ledger
from tests.crash.workload import beginning
from tests.support import make_sqlite
from tests.system.debian import Debian, Outcome
from tests.system.provisioned import as_application

UNIT = "crewai.service"
STANDBY = "opskit-standby.service"
WRITERS = ("w0", "w1")
FILES = {"main": "crewai_enhanced.db", "walmart": "walmart_grocery.db"}
DATABASES = {"main": "crewai_main", "walmart": "crewai_walmart"}
HOME = "/srv/crewai"
CONFIGURATION = "/etc/opskit/opskit.yaml"
PATIENCE = 60.0

SERVICE = """
[Unit]
StartLimitIntervalSec=0
[Service]
User=crewai
WorkingDirectory=/srv/crewai
ExecStart=/bin/sh -c '{python} -m tests.crash.writer w0.json & exec {python} -m tests.crash.writer w1.json'
Restart=always
[Install]
WantedBy=multi-user.target
"""
HELD = Path(__file__).with_name("held.py")
TRIAL = """
import apsw
connection = apsw.Connection("data/{file}")
connection.set_busy_timeout(10000)
try:
    connection.execute("BEGIN IMMEDIATE; UPDATE writers SET last = last; ROLLBACK")
    print("taken")
except apsw.ConstraintError:
    print("refused")
"""
FOUND = """
import base64, pickle
from pathlib import Path
from tests.crash.rows import in_postgresql, in_sqlite
print(base64.b64encode(pickle.dumps({found})).decode())
"""


class Host:
    """The host and its application.

    Attributes:
        told: what opskit was told to do and how it ended, for people.
        windows: when the side may have changed.
        booted: when the last boot began, by the clock of the ledgers; `up`: when everything was up again.
    """

    def __init__(self, debian: Debian) -> None:
        self.debian = debian
        self.python = _python_of(debian)
        self.home = debian.root / HOME.removeprefix("/")
        self.seed = 0
        self.told: list[str] = []
        self.windows: list[Window] = []
        self.booted = 0
        self.up = 0
        self._bring_application()

    def begin(self, seed: int, *, by_log: bool) -> None:
        """A new life: new files, on SQLite, and nothing in PostgreSQL. The application is not started.

        Args:
            by_log: the standby reads PostgreSQL's log; otherwise it compares.
        """
        self.seed = seed
        self.told = []
        self.windows = []
        self.debian.run(["systemctl", "disable", "--now", UNIT, STANDBY])
        self.debian.run(["find", "/var/lib/opskit", "-mindepth", "1", "-delete"])
        self.debian.run(["sed", "-i", "s/^DATABASE_TYPE=.*/DATABASE_TYPE=sqlite/", f"{HOME}/.env"])
        for name, file in FILES.items():
            for one in (self.home / "data").glob(f"{file}*"):
                one.unlink()
            make_sqlite(self.home / "data" / file, (_SHAPES / f"{name}.sql").read_text(), *_first_rows(name))
        for writer in WRITERS:
            (self.home / f"{writer}.jsonl").unlink(missing_ok=True)
            (self.home / f"{writer}.json").write_text(json.dumps(self._spec(writer)))
        self.debian.run(["chown", "--recursive", "crewai:", HOME])
        small = f"\nrollback: {{small: {0 if by_log else 16}}}\n"
        self.debian.write(CONFIGURATION, self._configuration + small)
        self.empty_postgresql()

    def start(self) -> None:
        """The application begins to write, and will at each boot."""
        self.debian.run(["systemctl", "enable", "--now", UNIT])

    def stop(self) -> None:
        """Nobody writes any more."""
        self.debian.run(["systemctl", "stop", UNIT])

    def opskit(self, *arguments: str) -> tuple[int, dict[str, Any]]:
        """opskit, from beginning to end: its exit code and its document."""
        return self._ended(arguments, self.debian.run(["opskit", *arguments, "-o", "json"], check=False))

    def begin_window(self, engine: Engine) -> None:
        """From now on the side may change."""
        self.windows.append(Window(time.monotonic_ns(), engine))

    def lose_power(self, entries: int, delay: float, *arguments: str) -> bool:
        """Every process ends at once, behind so many entries of opskit's journal; then a boot.

        Args:
            delay: seconds that opskit goes on meanwhile; 0: it is held at the entry.

        Returns:
            Whether opskit had done everything by then.
        """
        told = self.debian.root / "root/told"
        told.write_bytes(b"")
        self.debian.write("/root/held.py", HELD.read_text())
        self.debian.run(["sh", "-c", "rm -f /root/go; mkfifo /root/go"])
        go = "/dev/zero" if delay else "/root/go"
        held = [self.python, "/root/held.py", str(entries), "/root/told", go, *arguments, "-o", "json"]
        with ThreadPoolExecutor(1) as beside:
            running = beside.submit(self.debian.run, held, check=False)
            while not running.done() and not told.stat().st_size:
                time.sleep(0.001)
            time.sleep(delay)
            self.reboot()
        code = running.result().code
        self.told.append(f"{' '.join(arguments)}: power lost behind {entries} entries and {delay} s: {code}")
        return code == 0

    def reboot(self) -> None:
        """Loses the host's power, and boots it again."""
        self.debian.kill()
        self.booted = time.monotonic_ns()
        self.debian.boot(network=False)
        self.up = time.monotonic_ns()

    def notes(self) -> list[Note]:
        """What all writers have noted, in the order of time: the kernel's, which no reboot here sets back."""
        found = (one for writer in WRITERS for one in read_ledger(self.home / f"{writer}.jsonl", writer))
        return sorted(found, key=lambda one: one.at)

    def writes_since(self, moment: int, *events: Event) -> list[Note]:
        """How writes have ended since, if in one of these ways; waits until both writers have some."""
        until = time.monotonic() + PATIENCE
        while True:
            ended = [one for one in self.notes() if one.at > moment and one.event in events]
            if {one.writer for one in ended} == set(WRITERS):
                return ended
            assert time.monotonic() < until, f"no writes {' or '.join(events)}"
            time.sleep(0.1)

    def writable(self, name: str) -> set[Engine]:
        """The sides of a database that take a write of the application; nothing is left of the trial."""
        trial = [self.python, "-c", TRIAL.format(file=FILES[name])]
        tried = self.debian.run(["runuser", "-u", "crewai", "--", *trial], cwd=HOME).stdout.strip()
        change = "BEGIN; UPDATE writers SET last = last; ROLLBACK"
        taken = as_application(self.debian, DATABASES[name], change).code == 0
        return {
            side for side, takes in ((Engine.SQLITE, tried == "taken"), (Engine.POSTGRESQL, taken)) if takes
        }

    def found(self, name: str, engine: Engine) -> Found:
        """What a side of a database holds."""
        file, database = f"{HOME}/data/{FILES[name]}", DATABASES[name]
        if engine is Engine.SQLITE:
            user, what = "crewai", f"in_sqlite(Path({file!r}), {name!r})"
        else:
            user, what = "postgres", f"in_postgresql('dbname={database}', {name!r})"
        script = [self.python, "-B", "-c", FOUND.format(found=what)]
        printed = self.debian.run(["runuser", "-u", user, "--", *script], cwd=HOME).stdout
        found = pickle.loads(base64.b64decode(printed))
        assert isinstance(found, Found)
        return found

    def knows_its_environment(self) -> bool:
        """Was the application started after the last change of its `.env`, which it reads at its start?"""
        started = self.debian.run(["systemctl", "show", "--property=ExecMainStartTimestampMonotonic", UNIT])
        since_then = time.monotonic_ns() - 1000 * int(started.stdout.strip().partition("=")[2])
        return time.time_ns() - since_then > (self.home / ".env").stat().st_mtime_ns

    def empty_postgresql(self) -> None:
        """An operator empties PostgreSQL, to migrate anew."""
        self.as_superuser("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots")
        for database in DATABASES.values():
            self.as_superuser(f"DROP DATABASE {database} WITH (FORCE)")
        self.debian.run(["opskit", "provision", "--yes"])

    def as_superuser(self, statement: str) -> None:
        """A statement."""
        self.debian.run(
            ["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-c", statement], user="postgres", cwd="/tmp"
        )

    def _ended(self, arguments: tuple[str, ...], outcome: Outcome) -> tuple[int, dict[str, Any]]:
        assert "Traceback" not in outcome.stderr, outcome
        document = json.loads(outcome.stdout)
        self.told.append(f"{' '.join(arguments)}: {outcome.code} {document['errors'] or ''}")
        return outcome.code, document

    def _spec(self, writer: str) -> dict[str, Any]:
        return {
            "writer": writer,
            "seed": self.seed,
            "env_file": f"{HOME}/.env",
            "sqlite": {name: f"{HOME}/data/{file}" for name, file in FILES.items()},
            "postgresql": {},
            "ledger": f"{HOME}/{writer}.jsonl",
            "config": CONFIGURATION,
            "fsync": True,
            "pause": 0.01,
        }

    def _bring_application(self) -> None:
        debian = self.debian
        tests = self.home / "tests"
        (tests / "crash").mkdir(parents=True)
        for one in (_TESTS / "__init__.py", *(_TESTS / "crash").glob("*.py")):
            debian.write(f"{HOME}/tests/{one.relative_to(_TESTS)}", one.read_text())
        debian.write(f"/etc/systemd/system/{UNIT}", SERVICE.format(python=f"{self.python} -B"))
        debian.run(["systemctl", "daemon-reload"])
        debian.run(["sed", "-i", "/^POSTGRES_HOST=/d", f"{HOME}/.env"])
        debian.run(["opskit", "init", "--app-env", f"{HOME}/.env", "--app-unit", UNIT])
        self._configuration = (debian.root / CONFIGURATION.removeprefix("/")).read_text()
        debian.run(["opskit", "provision", "--yes"])


_TESTS = Path(__file__).parents[1]
_SHAPES = _TESTS / "crash" / "shapes"


def _first_rows(name: str) -> Iterator[tuple[str, list[list[Any]]]]:
    for table, found in beginning(name, WRITERS).items():
        values = [list(row.values()) for row in found.values()]
        if values:
            yield f"INSERT INTO {table} VALUES ({', '.join('?' * len(values[0]))})", values


def _python_of(debian: Debian) -> str:
    """The interpreter of opskit's own environment."""
    program = debian.run(["readlink", "-f", "/usr/bin/opskit"]).stdout.strip()
    return program.replace("/bin/opskit", "/bin/python")
