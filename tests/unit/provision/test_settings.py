"""What is to be done about settings: our file, what overrides it, reload or restart."""

from dataclasses import replace
from pathlib import Path

import pytest

from opskit.provision.cluster.planning import WantedCluster
from opskit.provision.cluster.server import FileSetting, RunningSetting, ServerFacts
from opskit.provision.decided import Decided
from opskit.provision.settings.file import ACCESS, Access, FilesFacts, OwnFile, read
from opskit.provision.settings.machine import Machine
from opskit.provision.settings.planning import (
    Reload,
    ResetSetting,
    Restart,
    SettingsStep,
    SilenceLine,
    WantedSettings,
    WriteSettings,
    decide_settings,
)
from opskit.provision.settings.sizing import GB, Share
from opskit.provision.settings.values import same

CLUSTER = WantedCluster(15, "main", 5432, True, Path("/etc/postgresql/15/main"), ("crewai_main",))
WANTED = WantedSettings(True, Share(0.5, 0.3, 35), (), None, ("crewai_main",))
MACHINE = Machine(16 * GB, 4, 100 * GB, 50 * GB)

CONF = "/etc/postgresql/15/main/postgresql.conf"
OURS = "/etc/postgresql/15/main/conf.d/90-opskit.conf"
AUTO = "/var/lib/postgresql/15/main/postgresql.auto.conf"

SERVER = ServerFacts(150018, False, True, "UTF8", "C.UTF-8", ("crewai_main",), 0)


def decide(
    own: OwnFile | None, server: ServerFacts | None, wanted: WantedSettings = WANTED
) -> Decided[SettingsStep]:
    return decide_settings(wanted, CLUSTER, MACHINE, FilesFacts(own), server)


def written(server: ServerFacts | None = None, wanted: WantedSettings = WANTED) -> WriteSettings:
    """The step that writes our file where there is none."""
    return next(step for step in decide(None, server, wanted).steps if isinstance(step, WriteSettings))


def as_wanted(*later: FileSetting, before: tuple[FileSetting, ...] = ()) -> tuple[OwnFile, ServerFacts]:
    """A host where our file is loaded, beside other lines."""
    step = written(replace(SERVER, files=(*before, *later)))
    lines = [FileSetting(name, value, OURS, 1) for name, value in read(step.text).items()]
    return OwnFile(step.text, ACCESS), replace(SERVER, files=(*before, *lines, *later))


def test_a_cluster_that_is_yet_to_be_started_gets_the_file_and_needs_no_restart() -> None:
    (step,) = decide(None, None).steps
    assert isinstance(step, WriteSettings)
    assert step.file == Path(OURS)
    assert "shared_buffers shall be 2GB: a quarter of the memory it may have (50% of 16GB)" in step.why


def test_what_is_as_it_shall_be_is_left_alone() -> None:
    assert decide(*as_wanted()) == Decided()


def test_the_reasons_of_all_values_stand_in_the_file() -> None:
    text = written().text
    assert "# a quarter of the memory it may have (50% of 16GB)\nshared_buffers = '2GB'\n" in text
    assert read(text)["wal_level"] == "logical"


def test_a_changed_line_is_named_and_written_anew() -> None:
    own, server = as_wanted()
    changed = OwnFile(own.text.replace("jit = 'off'", "jit = 'on'"), ACCESS)
    step, reload = decide(changed, server).steps
    assert isinstance(step, WriteSettings)
    assert isinstance(reload, Reload)
    assert step.text == own.text
    assert step.why == ("jit is on, shall be off: short statements lose more to compiling than they win",)


def test_a_file_that_the_server_may_not_read_is_named() -> None:
    own, server = as_wanted()
    step = decide(OwnFile(own.text, Access(0o600, "root", "root")), server).steps[0]
    assert step.why == ("the file's access is 0600 root:root, shall be 0644 root:root",)


def test_alter_system_is_drift_and_is_reset() -> None:
    own, server = as_wanted(FileSetting("work_mem", "1GB", AUTO, 3))
    step, _ = decide(own, server).steps
    assert step == ResetSetting(
        "work_mem", "1GB", Path(AUTO), ("work_mem is 1GB, set by ALTER SYSTEM, shall be 30MB",)
    )


def test_a_later_file_is_drift_and_its_line_becomes_a_comment() -> None:
    dba = "/etc/postgresql/15/main/conf.d/99-dba.conf"
    own, server = as_wanted(FileSetting("jit", "on", dba, 7))
    step, _ = decide(own, server).steps
    why = (f"jit is on, set in {dba} line 7, shall be off",)
    assert step == SilenceLine(Path(dba), 7, "jit", why)


def test_lines_about_other_settings_are_nobodys_business() -> None:
    assert decide(*as_wanted(FileSetting("vacuum_cost_delay", "5ms", AUTO, 3))) == Decided()


def test_what_others_preload_stays_loaded_also_when_it_came_by_alter_system() -> None:
    before = (FileSetting("shared_preload_libraries", "pg_cron, auto_explain", AUTO, 3),)
    step = written(replace(SERVER, files=before))
    loaded = "pg_cron, auto_explain, pg_stat_statements"
    assert read(step.text)["shared_preload_libraries"] == loaded
    again = decide(OwnFile(step.text, ACCESS), SERVER)
    assert not any(isinstance(one, WriteSettings) for one in again.steps)


@pytest.mark.parametrize(
    ("others", "ours"),
    [
        (None, None),
        ("*", None),
        ("localhost", None),
        ("10.0.0.5", "localhost, 10.0.0.5"),
        ("", "localhost"),
    ],
)
def test_addresses_are_added_where_the_application_could_not_connect_and_never_taken_away(
    others: str | None, ours: str | None
) -> None:
    lines = () if others is None else (FileSetting("listen_addresses", others, CONF, 60),)
    assert read(written(replace(SERVER, files=lines)).text).get("listen_addresses") == ours


@pytest.mark.parametrize("file", [CONF, AUTO])
def test_others_may_have_more_connections_than_we_need(file: str) -> None:
    lines = (FileSetting("max_connections", "400", file, 65),)
    step = written(replace(SERVER, files=lines))
    assert read(step.text)["max_connections"] == "400"
    assert decide(OwnFile(step.text, ACCESS), replace(SERVER, files=lines)).steps == ()


def test_fewer_connections_than_we_need_are_drift() -> None:
    own, server = as_wanted(FileSetting("max_connections", "40", AUTO, 3))
    assert isinstance(decide(own, server).steps[0], ResetSetting)


def running(**settings: RunningSetting) -> ServerFacts:
    return replace(as_wanted()[1], settings=settings)


WAL = RunningSetting("replica", None, at_start=True, pending=True)


def test_a_server_that_nobody_else_uses_is_restarted_for_what_only_a_start_reads() -> None:
    own, _ = as_wanted()
    assert decide(own, running(wal_level=WAL)).steps == (
        Restart(15, "main", ("wal_level is replica, shall be logical",)),
    )


@pytest.mark.parametrize(
    "others", [{"sessions": 3}, {"databases": ("crewai_main", "billing")}], ids=["sessions", "databases"]
)
def test_a_server_that_others_use_is_not_restarted_unless_it_may_be(others: dict[str, object]) -> None:
    own, _ = as_wanted()
    server = replace(running(wal_level=WAL), **others)  # pyright: ignore[reportArgumentType]  the fields of a table
    decided = decide(own, server)
    assert decided.steps == ()
    assert decided.told == (
        "waits for a restart, which others would notice: wal_level is replica, shall be logical",
    )
    assert isinstance(decide(own, server, replace(WANTED, restart=True)).steps[0], Restart)


def test_a_server_that_shall_not_be_restarted_is_not() -> None:
    own, _ = as_wanted()
    assert decide(own, running(wal_level=WAL), replace(WANTED, restart=False)).steps == ()


def test_a_file_that_has_not_been_loaded_is_loaded() -> None:
    own, _ = as_wanted()
    server = running(work_mem=RunningSetting("4096", "kB", at_start=False, pending=False))
    assert decide(own, server).steps == (Reload(("work_mem is 4096 × kB, shall be 30MB",)),)


def test_a_cluster_that_does_not_read_conf_d_is_refused_unless_its_settings_are_left() -> None:
    files = FilesFacts(included=False)
    (fault,) = decide_settings(WANTED, CLUSTER, MACHINE, files, SERVER).faults
    assert fault.code == "conf_d_not_included"
    assert decide_settings(replace(WANTED, own=False), CLUSTER, MACHINE, files, SERVER).faults == ()


def test_the_operators_values_win() -> None:
    wanted = replace(WANTED, parameters=(("jit", "on"), ("vacuum_cost_limit", "1000")))
    found = read(written(wanted=wanted).text)
    assert (found["jit"], found["vacuum_cost_limit"]) == ("on", "1000")


def test_settings_that_shall_be_left_are_left_and_what_is_needed_is_told() -> None:
    server = running(wal_level=WAL)
    decided = decide(None, server, replace(WANTED, own=False))
    assert decided.steps == ()
    assert decided.told == ("wal_level is replica, and opskit needs logical: provision.settings is leave",)


@pytest.mark.parametrize(
    ("wanted", "in_force", "unit"),
    [
        ("2GB", "262144", "8kB"),
        ("768MB", "48", "16MB"),
        ("15min", "900", "s"),
        ("1s", "1000", "ms"),
        ("10000", "10000", "ms"),
        ("-1", "-1", "ms"),
        ("1.1", "1.1", None),
        ("4", "4", None),
        ("on", "on", None),
        ("true", "on", None),
        ("UTC", "utc", None),
        ("a, b", "a,b", None),
        ("1001kB", "125", "8kB"),
    ],
)
def test_one_value_has_several_spellings(wanted: str, in_force: str, unit: str | None) -> None:
    assert same(wanted, in_force, unit)


@pytest.mark.parametrize(
    ("wanted", "in_force", "unit"), [("2GB", "262143", "8kB"), ("1s", "1", "ms"), ("off", "on", None)]
)
def test_other_values_are_told_from_them(wanted: str, in_force: str, unit: str | None) -> None:
    assert not same(wanted, in_force, unit)
