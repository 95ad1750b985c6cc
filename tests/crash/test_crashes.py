"""Whatever is killed, suspended, cut off or filled, at whatever moment: nothing acknowledged is lost."""

import os
from pathlib import Path

import pytest

from tests.crash.run import perform
from tests.crash.scenario import RUNS, scenario
from tests.crash.server import Server
from tests.crash.world import World
from tests.disks import Disk

SEEDS = (
    [int(os.environ["OPSKIT_CRASH_SEED"])]
    if "OPSKIT_CRASH_SEED" in os.environ
    else range(int(os.environ.get("OPSKIT_CRASH_RUNS", RUNS)))
)


@pytest.mark.parametrize("seed", SEEDS, ids=lambda seed: f"seed {seed}")
def test_every_acknowledged_write_is_there_once_and_one_side_took_it(
    seed: int, crashing: Server, host: Disk, supervisor: str, tmp_path: Path
) -> None:
    one = scenario(seed)
    world = World(one, crashing, host, supervisor, tmp_path)
    try:
        perform(world)
    finally:
        print(f"{one}\nwhat opskit was told:", *world.told, sep="\n  ")  # shown when it fails
        world.close()
