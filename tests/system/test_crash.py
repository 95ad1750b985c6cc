"""The host loses its power in the middle of a move, and boots again: nothing acknowledged is lost.

Every process of a booted Debian is killed at once, PostgreSQL, opskit, the application and systemd among
them, and the same disk is booted again. What the kernel holds of files in memory stays, as the kernel is the
outer host's: this shows what a crash of all processes does, at any moment, and how a boot goes on from there.
What a disk loses that was never synced, it does not show.

    OPSKIT_CRASH_RUNS=1000 ./scripts/test -m system tests/system/test_crash.py    # for 30 of these one here
    OPSKIT_CRASH_SEED=17 ./scripts/test -m system tests/system/test_crash.py      # one run again
"""

import os
import re
import time
from collections.abc import Sequence
from random import Random

import pytest

from opskit.config import Engine
from opskit.switch.plan import Wanted, cutover_plan
from opskit.switch.steps import FenceSqlite, Step, SwitchEnvironment
from tests.crash.checker import lost, two_sided, wrong_words
from tests.crash.scenario import RUNS, Phase, entries_of
from tests.system.crashing import DATABASES, PATIENCE, STANDBY, WRITERS, Host
from tests.system.debian import Debian

pytestmark = [pytest.mark.system, pytest.mark.timeout(3600)]

ONE_IN = 30
SEEDS = (
    [int(os.environ["OPSKIT_CRASH_SEED"])]
    if "OPSKIT_CRASH_SEED" in os.environ
    else range(int(os.environ.get("OPSKIT_CRASH_RUNS", RUNS)) // ONE_IN)
)
REFUSED = 6
FENCED = re.compile(r"the data is in PostgreSQL database|permission denied for database")
"""What a writer is told by a side that is fenced."""

FOLLOW = ("migrate", "--follow", "--yes")
UNFOLLOW = ("migrate", "--unfollow", "--yes")


@pytest.fixture(scope="module")
def powered(host: Debian) -> Host:
    """The host and its application, provisioned."""
    return Host(host)


def test_an_application_that_the_boot_starts_in_mid_cutover_is_refused_until_that_is_put_back(
    powered: Host,
) -> None:
    powered.begin(0, by_log=False)
    powered.start()
    assert powered.opskit(*FOLLOW)[0] == 0
    for behind, words in (
        (FenceSqlite, "the data is in PostgreSQL"),
        (SwitchEnvironment, "permission denied"),
    ):
        assert not powered.lose_power(entry_behind(behind), 0.0, "cutover", "--yes")
        assert sides(powered, problems=True) == set()
        told = the_application_writes_only_to(powered, set())
        assert told != set()
        assert all(words in one for one in told), told
        assert accepts(powered, ("cutover", "--yes", "--abort"))
        is_settled(powered, Engine.SQLITE)
    is_complete(powered, Engine.SQLITE)


def entry_behind(kind: type[Step]) -> int:
    """The entry of a cutover's journal behind which all steps of a kind are done."""
    steps = cutover_plan(Wanted(tuple(DATABASES), "", "")).steps
    return 2 * max(at for at, step in enumerate(steps, 1) if isinstance(step, kind))


@pytest.mark.parametrize("seed", SEEDS, ids=lambda seed: f"seed {seed}")
def test_every_acknowledged_write_survives_a_power_cut_in_every_phase(powered: Host, seed: int) -> None:
    chance = Random(seed)
    powered.begin(seed, by_log=seed % 2 == 1)
    try:
        powered.start()
        follow(powered, chance)
        switch(powered, chance, "cutover", Engine.POSTGRESQL)
        live(powered, chance)
        switch(powered, chance, "rollback", Engine.SQLITE)
    except BaseException:
        print(f"seed {seed}, what opskit was told:", *powered.told, sep="\n  ")
        raise
    assert list(two_sided(powered.notes(), powered.windows)) == []
    assert list(wrong_words(powered.notes())) == []


def follow(host: Host, chance: Random) -> None:
    """PostgreSQL shall follow SQLite."""
    done = cut(host, chance, Phase.FOLLOW, *FOLLOW)
    assert sides(host, problems=True) == {Engine.SQLITE}
    the_application_writes_only_to(host, {Engine.SQLITE})
    if chance.random() < 0.5:
        assert host.opskit(*UNFOLLOW)[0] == 0
        host.empty_postgresql()
        done = False
    assert done or accepts(host, (*FOLLOW, "--resume")) or accepts(host, FOLLOW)
    is_settled(host, Engine.SQLITE)


def switch(host: Host, chance: Random, command: str, engine: Engine) -> None:
    """Forward in the end, and now and then back before."""
    host.begin_window(engine)
    done = cut(host, chance, Phase(command), command, "--yes")
    writable = sides(host, problems=True)
    the_application_writes_only_to(host, writable)
    resume, again, abort = (command, "--yes", "--resume"), (command, "--yes"), (command, "--yes", "--abort")
    if not done and chance.random() < 0.5 and accepts(host, abort):
        is_settled(host, other(engine))
        host.begin_window(engine)
        done = accepts(host, again)
    host.begin_window(engine)
    assert done or accepts(host, resume) or accepts(host, again)
    is_settled(host, engine)
    is_complete(host, engine)


def live(host: Host, chance: Random) -> None:
    """The standby follows PostgreSQL, and does so again after the boot."""
    time.sleep(chance.uniform(0, 2))
    host.reboot()
    is_settled(host, Engine.POSTGRESQL)
    until = time.monotonic() + PATIENCE
    while host.opskit("standby", "status")[0] != 0:
        assert time.monotonic() < until, host.debian.run(["journalctl", "--boot", "--unit", STANDBY])
        time.sleep(0.3)


def cut(host: Host, chance: Random, phase: Phase, *command: str) -> bool:
    """The power goes at some entry of the journal, or a little later; was the command done by then?"""
    entries = chance.randint(1, entries_of(phase))
    return host.lose_power(entries, chance.choice((0.0, round(chance.uniform(0, 0.3), 3))), *command)


def sides(host: Host, *, problems: bool) -> set[Engine]:
    """The sides that take the application's writes: never both, and those that `opskit status` names.

    Args:
        problems: may it find any?
    """
    found = set[Engine]()
    result = host.opskit("status")[1]["result"]
    assert problems or result["problems"] == []
    for one in result["databases"]:
        writable = host.writable(one["database"])
        if result["record"] is None and one["authoritative"] == "sqlite":
            writable -= {Engine.POSTGRESQL}  # which is no side before the first cutover: it only follows
        assert {side.value for side in writable} == {one["authoritative"]} - {"nobody"}, one
        found |= writable
    assert len(found) <= 1
    return found


def the_application_writes_only_to(host: Host, writable: set[Engine]) -> set[str]:
    """It was started by the boot, whatever `.env` said: a fenced side has refused it; returns how."""
    host.writes_since(host.up, "acknowledged", "failed")
    ended = [one for one in host.notes() if one.at > host.booted]
    assert {one.engine for one in ended if one.event == "acknowledged"} <= writable
    refusals = [one for one in ended if one.event == "failed" and one.at > host.up]
    told = {one.error for one in refusals if one.engine not in writable}
    assert all(FENCED.search(error) for error in told), told
    return told


def accepts(host: Host, command: Sequence[str]) -> bool:
    """What an operator tries is done, or refused with the reason."""
    code, document = host.opskit(*command)
    assert code in (0, REFUSED), document
    return code == 0


def is_settled(host: Host, engine: Engine) -> None:
    """opskit, `.env` and the application are of one mind."""
    assert sides(host, problems=False) == {engine}
    assert host.knows_its_environment()
    acknowledged = host.writes_since(time.monotonic_ns(), "acknowledged")
    assert {one.engine for one in acknowledged} == {engine}


def is_complete(host: Host, engine: Engine) -> None:
    """Each acknowledged write is there, once, on that side."""
    host.stop()
    for name in DATABASES:
        wrong = list(lost(host.seed, name, WRITERS, host.notes(), host.found(name, engine)))
        assert wrong == [], f"{engine.value}: {name}"
    host.start()


def other(engine: Engine) -> Engine:
    return Engine.SQLITE if engine is Engine.POSTGRESQL else Engine.POSTGRESQL
