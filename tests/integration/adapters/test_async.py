"""The async facade, on both engines."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import pytest

from opskit import (
    AsyncConnection,
    AsyncDatabase,
    ConnectionFailed,
    Engine,
    QueryFailed,
    TransactionFailed,
)
from tests.integration.adapters.conftest import Opener
from tests.integration.adapters.test_contract import SLOW

Work = Callable[[AsyncDatabase], Awaitable[None]]

pytestmark = pytest.mark.usefixtures("items")


@dataclass(frozen=True)
class Named:
    name: str


def on(opener: Opener, work: Work, **limits: float) -> None:
    """Run a coroutine on a database that is closed behind it."""

    async def main() -> None:
        async with AsyncDatabase(opener(**limits)) as db:
            async with asyncio.timeout(60):
                await work(db)

    asyncio.run(main())


async def names(db: AsyncDatabase) -> list[str]:
    return [row.name for row in await db.query("SELECT name FROM items ORDER BY name", row_type=Named)]


async def cancelled_while_running(task: asyncio.Task[object]) -> None:
    await asyncio.sleep(0.3)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def test_statements_are_awaited(opener: Opener) -> None:
    async def work(db: AsyncDatabase) -> None:
        assert (await db.execute("INSERT INTO items (name) VALUES (?)", ["a"])).last_insert_rowid == 1
        assert (await db.execute_many("INSERT INTO items (name) VALUES (?)", [["b"], ["c"]])).changes == 2
        assert await db.query_one("SELECT name FROM items WHERE id = :id", {"id": 1}) == {"name": "a"}
        assert await db.query_one("SELECT name FROM items", row_type=Named) == Named("a")
        assert await names(db) == ["a", "b", "c"]
        prepared = db.prepare("SELECT name FROM items WHERE name = ?")
        assert [await prepared.query_one([name], row_type=Named) for name in "ab"] == [Named("a"), Named("b")]
        assert await prepared.query(["c"]) == [{"name": "c"}]

    on(opener, work)


def test_statements_run_side_by_side_while_the_loop_goes_on(opener: Opener) -> None:
    async def work(db: AsyncDatabase) -> None:
        await asyncio.gather(
            *(db.execute("INSERT INTO items (name) VALUES (?)", [str(n)]) for n in range(200))
        )
        assert len(await names(db)) == 200
        assert (await db.metrics()).connections.total <= 4

    on(opener, work, connections=4)


def test_transactions_keep_their_connection_and_nest(opener: Opener) -> None:
    async def fails(tx: AsyncConnection) -> None:
        async with tx.transaction() as inner:
            await inner.execute("INSERT INTO items (name) VALUES ('b')")
            await inner.execute("INSERT INTO items (name) VALUES ('a')")

    async def work(db: AsyncDatabase) -> None:
        async with db.transaction() as tx:
            await tx.execute("INSERT INTO items (name) VALUES ('a')")
            with pytest.raises(QueryFailed):
                await fails(tx)
            assert await names(db) == []
        assert await names(db) == ["a"]

    on(opener, work)


def test_tasks_take_turns_in_a_transaction(opener: Opener) -> None:
    async def work(db: AsyncDatabase) -> None:
        async with db.transaction() as tx:
            insert = tx.prepare("INSERT INTO items (name) VALUES (?)")
            done = await asyncio.gather(*(insert.execute([f"{n:02}"]) for n in range(50)))
        assert sorted(one.last_insert_rowid for one in done) == list(range(1, 51))

    on(opener, work)


def test_transactions_are_rolled_back_by_an_exception(opener: Opener) -> None:
    async def fails(db: AsyncDatabase) -> None:
        async with db.transaction() as tx:
            await tx.execute("INSERT INTO items (name) VALUES ('a')")
            raise ZeroDivisionError

    async def work(db: AsyncDatabase) -> None:
        with pytest.raises(ZeroDivisionError):
            await fails(db)
        assert await names(db) == []

    on(opener, work)


def test_a_failure_at_commit_is_told(opener: Opener, create: Callable[[str], None]) -> None:
    create("CREATE TABLE parts (item BIGINT REFERENCES items (id) DEFERRABLE INITIALLY DEFERRED)")

    async def fails(db: AsyncDatabase) -> None:
        async with db.transaction() as tx:
            await tx.execute("INSERT INTO parts VALUES (99)")

    async def work(db: AsyncDatabase) -> None:
        with pytest.raises(TransactionFailed):
            await fails(db)

    on(opener, work)


def test_a_cancelled_query_is_interrupted_and_frees_its_connection(opener: Opener, engine: Engine) -> None:
    async def work(db: AsyncDatabase) -> None:
        await cancelled_while_running(asyncio.create_task(db.query(SLOW[engine])))
        assert await names(db) == []
        assert (await db.health_check()).connections.active == 0

    started = time.monotonic()
    on(opener, work, connections=1)
    assert time.monotonic() - started < 30  # the statement alone would take longer


def test_a_cancelled_transaction_is_rolled_back(opener: Opener, engine: Engine) -> None:
    async def slow(db: AsyncDatabase) -> None:
        async with db.transaction() as tx:
            await tx.execute("INSERT INTO items (name) VALUES ('a')")
            await tx.query(SLOW[engine])

    async def work(db: AsyncDatabase) -> None:
        await cancelled_while_running(asyncio.create_task(slow(db)))
        assert await names(db) == []
        await db.execute("INSERT INTO items (name) VALUES ('a')")

    on(opener, work, connections=1)


def test_cancelling_again_and_again_leaves_no_connection_behind(opener: Opener) -> None:
    async def one(db: AsyncDatabase, number: int) -> None:
        async with db.transaction() as tx:
            await tx.execute("INSERT INTO items (name) VALUES (?)", [str(number)])
            await tx.query("SELECT * FROM items")

    async def work(db: AsyncDatabase) -> None:
        for number in range(60):
            task = asyncio.create_task(one(db, number))
            await asyncio.sleep(number * 0.0001)
            task.cancel()
            await asyncio.wait([task])
        connections = (await db.health_check()).connections
        assert (connections.active, connections.waiting) == (0, 0)
        await db.execute("INSERT INTO items (name) VALUES ('last')")

    on(opener, work, connections=2)


def test_waiting_for_a_connection_ends_in_time_and_blocks_nobody(opener: Opener) -> None:
    async def work(db: AsyncDatabase) -> None:
        async with db.transaction() as one:
            waiting = [asyncio.create_task(db.query("SELECT 1")) for _ in range(3)]
            for task in waiting:
                with pytest.raises(ConnectionFailed, match="all 1 connections"):
                    await task
            await one.execute("INSERT INTO items (name) VALUES ('a')")
        assert await names(db) == ["a"]

    on(opener, work, connections=1, wait_seconds=0.3)


def test_streams_are_iterated_in_batches(opener: Opener) -> None:
    async def work(db: AsyncDatabase) -> None:
        await db.execute_many("INSERT INTO items (name) VALUES (?)", [[str(n)] for n in range(50)])
        found = [row["id"] async for row in db.stream("SELECT id FROM items ORDER BY id", batch=7)]
        assert found == list(range(1, 51))
        rows = db.stream("SELECT name FROM items ORDER BY id", row_type=Named, batch=7)
        assert await anext(rows) == Named("0")
        await rows.aclose()
        async with db.connection() as connection:
            assert len([row async for row in connection.stream("SELECT * FROM items")]) == 50

    on(opener, work, connections=1)


def test_a_closed_database_refuses_work_and_may_be_closed_again(opener: Opener) -> None:
    async def work(db: AsyncDatabase) -> None:
        await db.query("SELECT 1")
        await db.close()
        health = await db.health_check()
        assert not health.healthy
        with pytest.raises(ConnectionFailed, match="closed"):
            await db.query("SELECT 1")

    on(opener, work)
