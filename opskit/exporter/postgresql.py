"""Reading a PostgreSQL database: a fresh session says whether it is up, a kept one answers the queries.

Whether new sessions get through is what the application depends on; but a new session begins with empty
caches, and filling them costs the server more than all the queries.
"""

import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from opskit.adapters.connect import postgresql_parameters
from opskit.config import Configuration, Engine
from opskit.exporter.batches import Batches
from opskit.exporter.calls import Asked, Call
from opskit.exporter.custom import CustomQuery, understood
from opskit.exporter.lasting import Lasting
from opskit.exporter.queries import query
from opskit.exporter.reading import Outcome, ReadFailed, Reading, probe
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


SLOWLY = 55.0
"""For so many seconds what changes slowly is told again and not asked: a little less than a minute."""

LARGEST_TABLES = 10
SEQUENCES = 5
REPLICAS = 10
"""How many of these are told singly at most; of replicas and of slots."""


@dataclass(frozen=True, slots=True)
class Collector:
    """A query to run.

    Attributes:
        requires: the collector that must have found `available` true first.
        every: for so many seconds what it found is told again; 0: it is asked each time.
        alone: it may have to wait for a lock, and so shares no statement with others; nor do those that are
            not asked each time.
    """

    name: str
    requires: str = ""
    every: float = 0.0
    alone: bool = False


COLLECTORS = (
    Collector("database"),
    Collector("size", every=SLOWLY),
    Collector("tables", every=SLOWLY),
    Collector("limits", every=SLOWLY),
    Collector("connections"),
    Collector("sessions"),
    Collector("transactions"),
    Collector("rows"),
    Collector("locks"),
    Collector("blocking"),
    Collector("longest"),
    Collector("running"),
    Collector("wal_written"),
    Collector("archiver"),
    Collector("checkpoints"),
    Collector("replication"),
    Collector("vacuum", every=SLOWLY),
    Collector("largest_tables", every=SLOWLY),
    Collector("sequences", every=SLOWLY),
    Collector("statement_stats", alone=True),
    Collector("wal_files", requires="wal_written", every=SLOWLY),
    Collector("statements", requires="statement_stats"),
    Collector("statement_evictions", requires="statement_stats"),
)

STATEMENTS = "statements"
"""The collector whose rows are put together from several queries and from what was told before."""

IDENTITY = Call("identity", query(Engine.POSTGRESQL, "identity"), single=True)
KINDS = "statement_kinds"
"""Queries beside those of the collectors."""


@dataclass(frozen=True, slots=True)
class _Ahead:
    """What a session was asked before it is known whether it is alive, and what is told again."""

    session: Batches
    lasting: Sequence[Outcome]
    asked: Asked


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
            **{one.name: _call(one, parameters.get(one.name, ())) for one in COLLECTORS},
            **{one.name: Call(one.name, one.text.encode(), anew=True) for one in self._custom.values()},
        }
        self._requires = {one.name: one.requires for one in self._collectors}
        self._lasting = Lasting()
        self._available: set[str] = set()
        self._kept: Batches | None = None

    def read(self, deadline: Deadline) -> Reading:
        """The database as a new session finds it; ends by the deadline."""
        ahead = self._ask_ahead(deadline)
        connected, fresh = probe("connect", lambda: self._connect(deadline))
        if fresh is None:
            self.release()
            return Reading(self._name, Engine.POSTGRESQL, up=False, probes=(connected,))
        answered, identity = probe("read", lambda: fresh.word(IDENTITY, deadline))
        if identity is None:
            fresh.close()
            self.release()
            return Reading(self._name, Engine.POSTGRESQL, up=False, probes=(connected, answered))
        collected = tuple(self._collect(fresh, identity, ahead, deadline))
        if self._kept is not fresh:
            fresh.close()
        return Reading(self._name, Engine.POSTGRESQL, True, (connected, answered), collected)

    def release(self) -> None:
        """Ends the session that is kept; answers to what it was asked ahead would come to later questions."""
        if self._kept is not None:
            self._kept.close()
        self._kept = None
        self._available = set()
        self._lasting.forget()

    def _connect(self, deadline: Deadline) -> Batches:
        parameters = postgresql_parameters(self._configuration, self._name)
        timeout = int(self._configuration.exporter.deadline * STATEMENT_SHARE * 1000)
        options = f"{parameters.get('options', '')} -c statement_timeout={max(1, timeout)} {OPTIONS}".strip()
        own = {"application_name": APPLICATION_NAME, "options": options, "client_encoding": "utf8"}
        return _patiently({**parameters, **own}, deadline)

    def _ask_ahead(self, deadline: Deadline) -> _Ahead | None:
        """Has the kept session begin to answer: that a new one is let in takes the server as long."""
        if self._kept is None:
            return None
        lasting, calls = self._due({"", *self._available})
        return _Ahead(self._kept, lasting, self._kept.begin(calls, _early(deadline), IDENTITY))

    def _collect(
        self, fresh: Batches, identity: str, ahead: _Ahead | None, deadline: Deadline
    ) -> Iterator[Outcome]:
        """What the kept session was asked ahead, when it is alive and where a new one gets to, which a
        restore or a failover moves; else the fresh one takes its place. Then those whose requirement is met
        only now are asked, and what others gave whose requirement is not met any more is left out.
        """
        early = _early(deadline)
        if ahead and probe("identity", lambda: ahead.session.answer(IDENTITY, early))[1] == identity:
            session = ahead.session
            first = self._remembered(ahead.lasting, session.end(ahead.asked, deadline))
        else:
            self.release()
            self._kept = session = fresh
            first = self._found(session, {""}, deadline)
        late = self._requirements(first)
        for one in (*first, *(self._found(session, late, deadline) if late else ())):
            if not (requires := self._requires[one.name]) or requires in self._available:
                yield self._told(one, session, deadline) if one.name == STATEMENTS else one

    def _requirements(self, outcomes: Iterable[Outcome]) -> Collection[str]:
        """Notes which requirements are met; those that were not before."""
        before = self._available
        answered = {one.name: one.rows for one in outcomes if not one.failure}
        available = {name for name, rows in answered.items() if any(row.get("available") for row in rows)}
        self._available = available | (before - answered.keys())
        return available - before

    def _found(self, session: Batches, met: Collection[str], deadline: Deadline) -> list[Outcome]:
        """The outcomes of the collectors whose requirement is met: what lasts, and what is asked now."""
        lasting, calls = self._due(met)
        return self._remembered(lasting, session.ask(calls, deadline))

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

    def _told(self, outcome: Outcome, session: Batches, deadline: Deadline) -> Outcome:
        """The statements with their kinds: those of new ones are looked up, and their cost is asked again."""
        if lacks_kinds(outcome.rows):
            (looked_up,) = session.ask([_call(Collector(KINDS), (self._statements.known,))], deadline)
            if looked_up.failure:
                return replace(looked_up, name=STATEMENTS)
            self._statements.learn(looked_up.rows)
            (outcome,) = session.ask([self._call(STATEMENTS)], deadline)
        return outcome if outcome.failure else replace(outcome, rows=self._statements.told(outcome.rows))


def as_exporter(configuration: Configuration) -> Configuration:
    """The configuration with the exporter's own role and door to the server, where it has them."""
    own, server = configuration.exporter, configuration.postgresql
    if own.user:
        server = replace(server, user=own.user, password=own.password)
    return replace(configuration, postgresql=replace(server, host=own.host or server.host))


def _call(collector: Collector, parameters: tuple[bytes, ...] = ()) -> Call:
    text = query(Engine.POSTGRESQL, collector.name)
    return Call(collector.name, text, parameters, joins=not (collector.every or collector.alone))


def _early(deadline: Deadline) -> Deadline:
    return deadline.earlier(deadline.left() * (1 - KEPT_SHARE))


def _patiently(parameters: Mapping[str, str | int], deadline: Deadline) -> Batches:
    """A session; while the server is starting up, it is asked again until the deadline."""
    while True:
        try:
            return Batches(parameters, deadline)
        except ReadFailed as error:
            if error.faults[0].code != STARTING_UP or deadline.left() <= RETRY_SECONDS:
                raise
        time.sleep(RETRY_SECONDS)
