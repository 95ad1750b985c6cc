"""The first user's application: every table is changed at random, and comes back spelled as before."""

import random
from pathlib import Path

import psycopg
import pytest

from opskit.capture.spelling import Spelling, spelling_of
from opskit.demo.sample_data import generate
from tests.integration.standby.world import World, until

_COLUMNS = """
SELECT c.relname, a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped
  AND a.attgenerated = '' ORDER BY 1, 2
"""


def changed(world: World, chance: random.Random) -> int:
    """Every column gets values of other rows, some rows go; returns how many statements worked."""
    done = 0
    for table, column in world.run(_COLUMNS):
        other = f'(SELECT o."{column}" FROM "{table}" o ORDER BY random() LIMIT 1)'
        for statement in (
            f'UPDATE "{table}" SET "{column}" = {other} WHERE random() < {chance.choice([0.01, 0.2])}',
            f'DELETE FROM "{table}" WHERE random() < 0.003',
        ):
            try:
                world.run(statement)
                done += 1
            except psycopg.IntegrityError:  # a key, a check or a reference that the rules protect
                continue
    return done


def spellings(world: World, file: Path | None = None) -> dict[tuple[str, str], set[Spelling]]:
    """(table, column) → how its moments are spelled, for columns that hold only moments."""
    found: dict[tuple[str, str], set[Spelling]] = {}
    tables = "SELECT m.name, c.name FROM sqlite_schema m, pragma_table_info(m.name) c WHERE m.type = 'table'"
    for table, column in world.rows(f"{tables} AND c.type IN ('TIMESTAMP', 'DATETIME')", file):
        values = world.rows(f'SELECT "{column}" FROM "{table}" WHERE "{column}" IS NOT NULL', file)
        told = {spelling_of(str(value)) for (value,) in values}
        found[table, column] = {one for one in told if one}
    return found


@pytest.mark.parametrize("database", ["main", "walmart"])
def test_the_sample_application_comes_back(world: World, tmp_path: Path, database: str) -> None:
    sample = generate(tmp_path, 3000)
    world.source = sample.main if database == "main" else sample.walmart
    world.move()
    follower = world.follower()
    until(follower, lambda state: state.ready)
    before = spellings(world, world.source)
    assert changed(world, random.Random(1)) > 100
    follower.drain()
    state = until(follower, lambda state: bool(state.at))
    assert state.reasons == ()
    assert world.verified()
    for place, found in spellings(world).items():
        assert {(one.separator, one.zone) for one in found} <= {
            (one.separator, one.zone) for one in before[place]
        }
    assert world.rows("PRAGMA integrity_check") == [("ok",)]
