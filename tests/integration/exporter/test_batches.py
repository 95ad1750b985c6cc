"""Sessions by libpq itself: what comes of values, of failures and of silence."""

from collections.abc import Iterator, Mapping

import psycopg
import pytest

from opskit.exporter import libpq
from opskit.exporter.batches import Batches
from opskit.exporter.calls import Call
from opskit.exporter.conversations import Conversation, Steps
from opskit.exporter.reading import Outcome, ReadFailed
from opskit.host.private_cluster import PrivateCluster
from opskit.transfer.deadline import Deadline
from tests.integration.exporter.servers import suspended


def parameters(cluster: PrivateCluster) -> dict[str, str | int]:
    return {
        "host": str(cluster.socket_directory),
        "port": cluster.port,
        "user": cluster.superuser,
        "dbname": "main",
    }


def connected(parameters: Mapping[str, str | int]) -> Batches:
    session = Batches(parameters)
    Conversation(session.connect(Deadline.after(10))).end()
    return session


@pytest.fixture
def session(cluster: PrivateCluster) -> Iterator[Batches]:
    session = connected(parameters(cluster))
    yield session
    session.close()


def ask(session: Batches, *texts: str, anew: bool = False) -> list[Outcome]:
    calls = [Call(f"q{number}", text.encode(), anew=anew) for number, text in enumerate(texts)]
    return Conversation(session.ask(calls, Deadline.after(10))).end()


def test_the_library_is_that_of_the_driver_which_the_rest_of_opskit_uses() -> None:
    assert libpq.version() == psycopg.pq.version()


def test_numbers_truth_text_and_nothing_come_as_they_are(session: Batches) -> None:
    (outcome,) = ask(
        session,
        """
        select 1 as whole, 9007199254740993 as large, 0.25::float8 as part, 12.5::numeric as exact,
               true as yes, null as unknown, E'Zürich "a\\n€' as words, 'name'::name as name
        union all select 2, 0, 1e300, 0, false, 'x', '', '';
        """,
    )
    assert outcome.failure is None
    first, second = outcome.rows
    assert first == {
        "whole": 1,
        "large": 9007199254740993,
        "part": 0.25,
        "exact": 12.5,
        "yes": True,
        "unknown": None,
        "words": 'Zürich "a\n€',
        "name": "name",
    }
    assert second["part"] == 1e300


def test_no_rows_are_no_failure(session: Batches) -> None:
    assert ask(session, "select 1 as a where false")[0] == Outcome("q0", pytest.approx(0, abs=10), ())


def test_one_that_fails_takes_no_other_with_it_and_may_be_mended(session: Batches) -> None:
    for text, reason in (("select nonsense", "undefined_column"), ("select 1/0 as a", "division_by_zero")):
        good, bad, after = ask(session, "select 1 as a", text, "select 3 as a", anew=True)
        assert (good.rows, bad.failure, after.rows) == (({"a": 1},), reason, ({"a": 3},))


def test_what_is_prepared_once_is_asked_with_other_parameters(session: Batches) -> None:
    for word in (b"a", b"\xc3\xa9", b""):
        call = Call("word", b"select $1::text as word", (word,))
        (outcome,) = Conversation(session.ask([call], Deadline.after(10))).end()
        assert outcome.rows == ({"word": word.decode()},)


def test_warnings_of_the_server_do_not_reach_standard_error(
    cluster: PrivateCluster, capfd: pytest.CaptureFixture[str]
) -> None:
    options = {"options": "-c client_min_messages=error"}
    session = connected({**parameters(cluster), **options})
    ask(session, "select set_config('client_min_messages', 'error', false) as a, pg_advisory_unlock(1) as b")
    session.close()
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"dbname": "nowhere"}, "database_missing"),
        ({"user": "nobody_here"}, "role_missing"),
        ({"port": 1}, "not_running"),
        ({"host": "name.invalid"}, "host_unknown"),
        ({"nonsense": "1"}, "connection"),
        ({"password": "kept-secret", "user": "nobody_here", "host": "127.0.0.1"}, "authentication"),
    ],
)
def test_why_there_is_no_session_is_one_of_few_reasons_without_a_secret(
    cluster: PrivateCluster, changed: dict[str, str | int], reason: str
) -> None:
    with pytest.raises(ReadFailed) as raised:
        connected({**parameters(cluster), **changed})
    assert raised.value.faults[0].code == reason
    assert "kept-secret" not in f"{raised.value!r} {raised.value.__cause__!r}"


def test_a_silent_server_holds_nobody_and_its_session_is_given_up(
    cluster: PrivateCluster, session: Batches
) -> None:
    (told,) = ask(session, "select pg_backend_pid() as pid")
    with suspended(int(told.rows[0]["pid"] or 0)):
        calls = [Call("a", b"select 1 as a"), Call("b", b"select 2 as b")]
        late = Conversation(session.ask(calls, Deadline.after(0.2))).end()
    assert [one.failure for one in late] == ["deadline", "deadline"]
    assert ask(session, "select 1 as a")[0].failure == "deadline"


def test_a_session_that_the_server_ended_says_so_and_closes_twice(
    cluster: PrivateCluster, session: Batches
) -> None:
    (told,) = ask(session, "select pg_backend_pid() as pid")
    with psycopg.connect(cluster.conninfo("postgres"), autocommit=True) as connection:
        connection.execute("SELECT pg_terminate_backend(%s, 5000)", (told.rows[0]["pid"],))
    failures = {ask(session, "select 1 as a")[0].failure for _ in range(2)}
    assert failures <= {"connection_lost", "admin_shutdown"}
    assert ask(session, "select 1 as a")[0].failure == "connection_lost"
    session.close()
    session.close()


def share(session: Batches, *texts: str) -> list[Outcome]:
    calls = [Call(f"shared{number}", text.encode(), joins=True) for number, text in enumerate(texts)]
    return Conversation(session.ask(calls, Deadline.after(10))).end()


COUNTED = "select count(*) as asked from pg_prepared_statements where name like 'joined%'"


def test_those_that_share_a_statement_have_their_own_rows_parameters_and_times(session: Batches) -> None:
    for words in (b"a", b"b"), (b"c", b"d"):
        calls = [
            Call("first", b"select $1::text as one, $2::int as two", (words[0], b"1"), joins=True),
            Call("none", b"select 1 as a where false", joins=True),
            Call("slow", b"select $1::text as one, pg_sleep(0.1)::text as nap", (words[1],), joins=True),
        ]
        first, none, slow = Conversation(session.ask(calls, Deadline.after(10))).end()
        assert (first.rows, none.rows) == (({"one": words[0].decode(), "two": 1},), ())
        assert slow.rows == ({"one": words[1].decode(), "nap": ""},)
        assert max(first.seconds, none.seconds) < 0.1 <= slow.seconds
    assert ask(session, COUNTED)[0].rows == ({"asked": 1},)


def test_one_that_fails_is_asked_singly_until_it_is_mended(session: Batches) -> None:
    divided = "select 1 / current_setting('opskit.divisor')::int as b"
    for divisor, failure, rows in ((0, "division_by_zero", ()), (1, None, ({"b": 1},))):
        ask(session, f"select set_config('opskit.divisor', '{divisor}', false)", anew=True)
        for _ in range(3):
            first, second, third = share(session, "select 1 as a", divided, "select 3 as c")
            assert (first.rows, third.rows) == (({"a": 1},), ({"c": 3},))
            assert (second.failure, second.rows) == (failure, rows)
    assert ask(session, COUNTED)[0].rows == ({"asked": 2},)  # all three, and the two that were well


def test_a_word_is_answered_before_the_calls_that_were_sent_with_it(session: Batches) -> None:
    deadline = Deadline.after(10)
    word = Call("word", b"select 'here'", single=True)
    calls = [
        Call("alone", b"select 1 as a"),
        Call("shared", b"select 2 as b", joins=True),
        Call("shared_too", b"select 3 as c", joins=True),
    ]

    def told() -> Steps[tuple[str, list[Outcome]]]:
        asked = yield from session.send(calls, deadline, word)
        return (yield from session.answer(word, deadline)), (yield from session.outcomes(asked, deadline))

    for _ in range(2):
        heard, outcomes = Conversation(told()).end()
        assert heard == "here"
        assert [one.rows for one in outcomes] == [({"a": 1},), ({"b": 2},), ({"c": 3},)]
    assert Conversation(session.word(word, deadline)).end() == "here"


def test_a_session_lost_while_a_statement_is_shared_fails_all_of_it(session: Batches) -> None:
    outcomes = share(session, "select 1 as a", "select pg_terminate_backend(pg_backend_pid()) as b")
    assert {one.failure for one in outcomes} <= {"admin_shutdown", "connection_lost"}
    assert ask(session, "select 1 as a")[0].failure == "connection_lost"
