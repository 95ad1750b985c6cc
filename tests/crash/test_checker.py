"""The checker finds what a crash could do wrong, and nothing in what it may do."""

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import apsw
import pytest

from opskit.config import Engine
from tests.crash import rows
from tests.crash.checker import Found, Window, given_twice, lost, two_sided, wrong_words
from tests.crash.ledger import Event, Ledger, Note, read_ledger
from tests.crash.operations import SHAPES, State
from tests.crash.workload import beginning, transaction
from tests.support import make_sqlite

SEED, WRITER = 3, "w0"
NUMBERS = range(1, 200)
SHAPE_FILES = Path(__file__).with_name("shapes")


def noted(number: int, event: Event, *, at: int = 0, engine: Engine = Engine.SQLITE, error: str = "") -> Note:
    database = transaction(SEED, WRITER, number).database
    return Note(WRITER, number, event, engine, database, at or number, error)


def all_noted() -> list[Note]:
    events: tuple[Event, ...] = ("begun", "acknowledged")
    return [noted(number, event) for number in NUMBERS for event in events]


def performed(database: str, numbers: list[int]) -> Found:
    state: State = beginning(database, [WRITER])
    for number in numbers:
        transaction(SEED, WRITER, number).apply(state)
    return Found(state, tuple((WRITER, number) for number in numbers))


def of(database: str) -> list[int]:
    return [number for number in NUMBERS if transaction(SEED, WRITER, number).database == database]


@pytest.fixture(params=SHAPES)
def database(request: pytest.FixtureRequest) -> str:
    return request.param


def faults(database: str, notes: list[Note], found: Found) -> list[str]:
    return list(lost(SEED, database, [WRITER], notes, found))


def test_what_took_place_as_it_was_acknowledged_is_right(database: str) -> None:
    assert faults(database, all_noted(), performed(database, of(database))) == []


def test_an_acknowledged_transaction_that_is_missing_is_lost(database: str) -> None:
    numbers = of(database)
    told = faults(database, all_noted(), performed(database, numbers[:5] + numbers[6:]))
    assert f"transaction {numbers[5]} of {WRITER} was acknowledged and is lost" in told


def test_one_whose_answer_never_came_may_be_there_or_not(database: str) -> None:
    numbers = of(database)
    notes = [one for one in all_noted() if (one.number, one.event) != (numbers[-1], "acknowledged")]
    assert faults(database, notes, performed(database, numbers)) == []
    assert faults(database, notes, performed(database, numbers[:-1])) == []


def test_one_that_is_there_by_half_is_told(database: str) -> None:
    numbers = of(database)
    without = Found(performed(database, numbers[:-1]).rows, performed(database, numbers).tokens)
    assert any(one.startswith("writers ('w0',): is") for one in faults(database, all_noted(), without))


def test_one_that_is_there_twice_is_told(database: str) -> None:
    numbers = of(database)
    found = performed(database, numbers)
    twice = Found(found.rows, (*found.tokens, (WRITER, numbers[3])))
    assert faults(database, all_noted(), twice) == [
        f"transaction {numbers[3]} of {WRITER} is there more than once"
    ]


@pytest.mark.parametrize("name", SHAPES)
def test_sqlite_does_what_the_model_says(name: str, tmp_path: Path) -> None:
    first = (
        (f"INSERT INTO {table} VALUES ({', '.join('?' * len(row))})", [list(row.values())])
        for table, found in beginning(name, [WRITER]).items()
        for row in found.values()
    )
    file = make_sqlite(tmp_path / "app.db", (SHAPE_FILES / f"{name}.sql").read_text(), *first)
    with closing(apsw.Connection(str(file))) as connection:
        for number in of(name):
            with connection:
                for sql, values in transaction(SEED, WRITER, number).statements(Engine.SQLITE):
                    connection.execute(sql, values)
    found = rows.in_sqlite(file, name)
    assert replace(found, given={}) == performed(name, of(name))
    assert min(found.given.values()) > 5
    assert rows.unsound(file) == []


def test_a_full_text_index_that_is_not_in_step_is_told(tmp_path: Path) -> None:
    file = make_sqlite(tmp_path / "app.db", (SHAPE_FILES / "walmart.sql").read_text())
    with closing(apsw.Connection(str(file))) as connection:
        connection.execute("INSERT INTO found (rowid, body) VALUES (7, 'nowhere else')")
    assert [one.partition(":")[0] for one in rows.unsound(file)] == ["full-text index"]


def test_keys_that_would_be_given_out_again_are_told() -> None:
    def given(last: int) -> Found:
        return Found({}, (), {"items": last})

    assert list(given_twice(given(7), given(7))) == []
    assert list(given_twice(given(6), given(7), skipped=1)) == []
    assert list(given_twice(given(6), given(7))) == [
        "items: goes on after 6, and keys up to 7 were given out"
    ]


def taken(*writes: tuple[int, int, Engine]) -> list[Note]:
    events: tuple[Event, ...] = ("begun", "acknowledged")
    return [
        noted(number, event, at=at, engine=engine)
        for number, (begun, ended, engine) in enumerate(writes, 1)
        for event, at in zip(events, (begun, ended), strict=True)
    ]


S, P = Engine.SQLITE, Engine.POSTGRESQL


def test_writes_that_change_sides_in_their_windows_are_right() -> None:
    notes = taken((1, 2, S), (3, 11, S), (10, 12, P), (13, 14, P), (21, 22, S))
    assert list(two_sided(notes, [Window(5, P), Window(20, S)])) == []


@pytest.mark.parametrize(
    "writes",
    [
        [(1, 2, S), (3, 4, P)],
        [(1, 2, S), (6, 7, P), (8, 9, S), (10, 11, P)],
        [(1, 2, S), (6, 7, P), (8, 9, S)],
        [(6, 7, P), (21, 22, S), (23, 24, P)],
    ],
    ids=["before the window", "back and forth", "back without a window", "both after the second"],
)
def test_writes_that_both_sides_took_are_told(writes: list[tuple[int, int, Engine]]) -> None:
    assert list(two_sided(taken(*writes), [Window(5, P), Window(20, S)])) != []


def test_keys_that_collide_are_told_and_a_fence_is_not() -> None:
    fence = noted(1, "failed", error="ConstraintError: opskit: the data is in PostgreSQL database x")
    collision = noted(2, "failed", error="UniqueViolation: duplicate key value violates unique constraint")
    down = noted(
        3, "failed", error="ConnectionFailed: connection to server on socket x: No such file or directory"
    )
    assert list(wrong_words([fence, down])) == []
    assert list(wrong_words([fence, collision])) == [f"writers failed 1 times: {collision.error}"]


def test_a_ledger_goes_on_behind_a_torn_line(tmp_path: Path) -> None:
    file = tmp_path / "w0.jsonl"
    with Ledger(file, WRITER) as ledger:
        ledger.note(ledger.next, "begun", S, "main")
    with file.open("a") as torn:
        torn.write('{"number": 2, "eve')
    with Ledger(file, WRITER) as ledger:
        assert ledger.next == 2
        ledger.note(ledger.next, "begun", S, "main")
    assert [one.number for one in read_ledger(file, WRITER)] == [1, 2]
