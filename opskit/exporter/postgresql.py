"""Reading a PostgreSQL database: a fresh session says whether it is up, a kept one answers the queries.

Whether new sessions get through is what the application depends on; but a new session begins with empty
caches, and filling them costs the server more than all the queries.
"""

import time
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from opskit.adapters.connect import postgresql_parameters
from opskit.config import Configuration, Engine
from opskit.exporter.batches import Batches
from opskit.exporter.calls import Call
from opskit.exporter.conversations import Conversation, Steps
from opskit.exporter.custom import CustomQuery, understood
from opskit.exporter.lasting import Lasting
from opskit.exporter.postgresql_queries import (
    COLLECTORS,
    IDENTITY,
    KINDS,
    LARGEST_TABLES,
    REPLICAS,
    SEQUENCES,
    STATEMENTS,
    Collector,
    asking,
)
from opskit.exporter.reading import Attempt, Outcome, ReadFailed, Reading
from opskit.exporter.reasons import STARTING_UP
from opskit.exporter.statements import Statements, lacks_kinds
from opskit.transfer.deadline import Deadline

APPLICATION_NAME = "opskit-exporter"

OPTIONS = "-c client_min_messages=error -c jit=off -c plan_cache_mode=force_generic_plan"
"""libpq would write what the server warns of to standard error; to compile a query, or to plan it anew for
its parameters, takes longer than to answer it."""

STATEMENT_SHARE = 0.4
"""The share of the deadline after which the server gives up one query (a lock, a slow catalogue), so that the
next collectors still get their turn."""

KEPT_SHARE = 0.25
"""The share of the time that is left in which the kept session has to show that it is alive."""

RETRY_SECONDS = 0.05
"""The pause before asking again while the server says that it is starting up."""

GUEST_SECONDS = 0.25
"""In which a session that was only let in has to say where it got to; the next scrape waits meanwhile."""


@dataclass(frozen=True, slots=True)
class _Answered:
    """What a session answered.

    Attributes:
        read: how its first answer fared.
        identity: that answer, where the session is; empty when it failed, as do the others then.
    """

    read: Outcome
    identity: str
    outcomes: Sequence[Outcome]


class PostgresqlReader:
    """Reads one database, over a session that is kept from one reading to the next.

    Args:
        name: the database's configured name.
        queries: of one's own; those for this database are asked, too.
    """

    def __init__(self, configuration: Configuration, name: str, queries: Sequence[CustomQuery] = ()) -> None:
        self._configuration = as_exporter(configuration)
        self._name = name
        limit = configuration.exporter.top_statements
        schema = configuration.databases[name].schema.encode()
        parameters = {
            "tables": (schema,),
            "largest_tables": (schema, b"%d" % LARGEST_TABLES),
            "sequences": (schema, b"%d" % SEQUENCES),
            "replication": (b"%d" % REPLICAS,),
            "statement_stats": (b"%d" % limit, schema),
        }
        self._statements = Statements(limit)
        self._custom = {one.name: one for one in queries if one.on(Engine.POSTGRESQL, name)}
        self._collectors = (
            *COLLECTORS,
            *(Collector(one.name, every=one.every) for one in self._custom.values()),
        )
        self._calls = {
            **{one.name: asking(one, parameters.get(one.name, ())) for one in COLLECTORS},
            **{one.name: Call(one.name, one.text.encode(), anew=True) for one in self._custom.values()},
        }
        self._requires = {one.name: one.requires for one in self._collectors}
        self._lasting = Lasting()
        self._available: set[str] = set()
        self._kept: Batches | None = None
        self._identity = ""
        self._guests: list[Batches] = []
        self._left: list[Batches] = []

    def read(self, deadline: Deadline) -> Reading:
        """The database as it is now; ends by the deadline.

        The kept session answers while a new one is let in, which takes the server as long; when it does not
        answer, or is not any more where it was, the new one takes its place.
        """
        knocked = Conversation(self._knock(deadline))
        asked = Conversation(self._ask_kept(self._kept, deadline)) if self._kept else None
        connected, fresh = knocked.end(*([asked] if asked else []))
        if fresh is None:
            self.release()
            return Reading(self._name, Engine.POSTGRESQL, up=False, probes=(connected,))
        answered = asked.end() if asked else None
        if answered and answered.identity == self._identity:
            self._guests.append(fresh)
        else:
            answered = self._move(fresh, deadline)
        probes = (connected, answered.read)
        if self._kept is None:
            return Reading(self._name, Engine.POSTGRESQL, up=False, probes=probes)
        collected = Conversation(self._collect(self._kept, [*answered.outcomes], deadline)).end()
        return Reading(self._name, Engine.POSTGRESQL, True, probes, tuple(collected))

    def tidy(self) -> None:
        """Ends the sessions that the last reading does not need any more.

        Those that were only let in are asked first where they got to: a failover takes new ones elsewhere.
        """
        while self._guests:
            guest = self._guests.pop()
            with suppress(ReadFailed):  # the next reading tells
                identity = Conversation(guest.word(IDENTITY, Deadline.after(GUEST_SECONDS))).end()
                if identity != self._identity:
                    self.release()
            guest.close()
        while self._left:
            self._left.pop().close()

    def release(self) -> None:
        """Keeps no session; answers to what it was asked ahead would come to later questions."""
        if self._kept is not None:
            self._left.append(self._kept)
        self._kept = None
        self._available = set()
        self._lasting.forget()

    def _move(self, fresh: Batches, deadline: Deadline) -> _Answered:
        """What a new session answers, which is kept from now on, unless it did not answer."""
        self.release()
        answered = Conversation(self._ask(fresh, deadline, deadline)).end()
        if answered.identity:
            self._kept, self._identity = fresh, answered.identity
        else:
            self._left.append(fresh)
        return answered

    def _knock(self, deadline: Deadline) -> Steps[tuple[Outcome, Batches | None]]:
        """A new session, if one is let in."""
        session = None
        with Attempt("connect") as connected:
            session = yield from self._connect(deadline)
        return connected.outcome(), session

    def _connect(self, deadline: Deadline) -> Steps[Batches]:
        """A session; while the server is starting up, it is asked again until the deadline."""
        parameters = postgresql_parameters(self._configuration, self._name)
        timeout = int(self._configuration.exporter.deadline * STATEMENT_SHARE * 1000)
        options = f"{parameters.get('options', '')} -c statement_timeout={max(1, timeout)} {OPTIONS}".strip()
        own = {"application_name": APPLICATION_NAME, "options": options, "client_encoding": "utf8"}
        while True:
            session = Batches({**parameters, **own})
            try:
                yield from session.connect(deadline)
            except ReadFailed as error:
                session.close()
                if error.faults[0].code != STARTING_UP or deadline.left() <= RETRY_SECONDS:
                    raise
            else:
                return session
            time.sleep(RETRY_SECONDS)

    def _ask_kept(self, session: Batches, deadline: Deadline) -> Steps[_Answered]:
        """It has to answer early, so that there is time left for a new one when it hangs."""
        return self._ask(session, deadline.earlier(deadline.left() * (1 - KEPT_SHARE)), deadline)

    def _ask(self, session: Batches, early: Deadline, deadline: Deadline) -> Steps[_Answered]:
        """Asks where it is, and for whatever is due."""
        identity, found = "", list[Outcome]()
        lasting, calls = self._due({"", *self._available})
        asked = yield from session.send(calls, early, IDENTITY)
        with Attempt("read") as read:
            identity = yield from session.answer(IDENTITY, early)
        if not read.failure:
            found = yield from session.outcomes(asked, deadline)
        return _Answered(read.outcome(), identity, self._remembered(lasting, found))

    def _collect(self, session: Batches, found: list[Outcome], deadline: Deadline) -> Steps[list[Outcome]]:
        """All of them: those whose requirement is met only now are asked, and what others gave whose
        requirement is not met any more is left out.
        """
        if late := self._requirements(found):
            found += yield from self._found(session, late, deadline)
        collected: list[Outcome] = []
        for one in found:
            if not (requires := self._requires[one.name]) or requires in self._available:
                told = (yield from self._told(one, session, deadline)) if one.name == STATEMENTS else one
                collected.append(told)
        return collected

    def _requirements(self, outcomes: Iterable[Outcome]) -> Collection[str]:
        """Notes which requirements are met; those that were not before."""
        before = self._available
        answered = {one.name: one.rows for one in outcomes if not one.failure}
        available = {name for name, rows in answered.items() if any(row.get("available") for row in rows)}
        self._available = available | (before - answered.keys())
        return available - before

    def _found(self, session: Batches, met: Collection[str], deadline: Deadline) -> Steps[list[Outcome]]:
        """The outcomes of the collectors whose requirement is met: what lasts, and what is asked now."""
        lasting, calls = self._due(met)
        return self._remembered(lasting, (yield from session.ask(calls, deadline)))

    def _due(self, met: Collection[str]) -> tuple[list[Outcome], list[Call]]:
        """Of the collectors whose requirement is met, what is told again, and what has to be asked."""
        wanted = [one for one in self._collectors if one.requires in met]
        lasting = {one.name: found for one in wanted if (found := self._lasting.of(one.name, one.every))}
        return [*lasting.values()], [self._call(one.name) for one in wanted if one.name not in lasting]

    def _remembered(self, lasting: Iterable[Outcome], asked: Iterable[Outcome]) -> list[Outcome]:
        """All of them; those that last are remembered."""
        found = [understood(one, self._custom) for one in asked]
        self._lasting.keep(found)
        return [*lasting, *found]

    def _call(self, name: str) -> Call:
        call = self._calls[name]
        return replace(call, parameters=self._statements.parameters) if name == STATEMENTS else call

    def _told(self, outcome: Outcome, session: Batches, deadline: Deadline) -> Steps[Outcome]:
        """The statements with their kinds: those of new ones are looked up, and their cost is asked again."""
        if lacks_kinds(outcome.rows):
            kinds = asking(Collector(KINDS), (self._statements.known,))
            (looked_up,) = yield from session.ask([kinds], deadline)
            if looked_up.failure:
                return replace(looked_up, name=STATEMENTS)
            self._statements.learn(looked_up.rows)
            (outcome,) = yield from session.ask([self._call(STATEMENTS)], deadline)
        return outcome if outcome.failure else replace(outcome, rows=self._statements.told(outcome.rows))


def as_exporter(configuration: Configuration) -> Configuration:
    """The configuration with the exporter's own role and door to the server, where it has them."""
    own, server = configuration.exporter, configuration.postgresql
    if own.user:
        server = replace(server, user=own.user, password=own.password)
    return replace(configuration, postgresql=replace(server, host=own.host or server.host))
