"""The statement methods, written once for databases, connections and transactions."""

from abc import ABC, abstractmethod
from typing import overload

from opskit.adapters.api import ExecuteResult, Parameters, Row, RowT
from opskit.adapters.dialect import Query, parse
from opskit.adapters.rows import dataclass_rows, mapping_rows
from opskit.adapters.session import Result
from opskit.config import Engine
from opskit.errors import QueryFailed

_TRANSACTION_WORDS = frozenset(
    {"BEGIN", "START", "COMMIT", "END", "ROLLBACK", "ABORT", "SAVEPOINT", "RELEASE"}
)


def parsed(sql: str, engine: Engine) -> Query:
    """The statement as the engine takes it.

    Raises:
        QueryFailed: it begins or ends a transaction, which `transaction()` does, or its placeholders are odd.
    """
    query = parse(sql, engine)
    if query.verb in _TRANSACTION_WORDS:
        raise QueryFailed.of(
            "transaction_statement",
            f"{query.verb} as a statement would leave the connection in an unknown state",
            hint="use `with database.transaction() as transaction:`",
        )
    return query


class Runner(ABC):
    """Something that runs statements."""

    engine: Engine

    @abstractmethod
    def run(self, query: Query, params: Parameters, *, prepare: bool = False, key: bool = False) -> Result:
        """Run a statement to its end (internal: the arguments are those of `Session.run`)."""

    @overload
    def query(self, sql: str, params: Parameters = ()) -> list[Row]: ...
    @overload
    def query(self, sql: str, params: Parameters = (), *, row_type: type[RowT]) -> list[RowT]: ...
    def query(
        self, sql: str, params: Parameters = (), *, row_type: type[RowT] | None = None
    ) -> list[Row] | list[RowT]:
        """All rows of a statement."""
        return rows(self.run(parsed(sql, self.engine), params), row_type)

    @overload
    def query_one(self, sql: str, params: Parameters = ()) -> Row | None: ...
    @overload
    def query_one(self, sql: str, params: Parameters = (), *, row_type: type[RowT]) -> RowT | None: ...
    def query_one(
        self, sql: str, params: Parameters = (), *, row_type: type[RowT] | None = None
    ) -> Row | RowT | None:
        """The first row, or None when there is none."""
        return first(self.run(parsed(sql, self.engine), params), row_type)

    def execute(self, sql: str, params: Parameters = ()) -> ExecuteResult:
        """Run a statement for its effect; without parameters also several, separated by semicolons."""
        return self.run(parsed(sql, self.engine), params, key=True).outcome

    def prepare(self, sql: str) -> "PreparedStatement":
        """The statement, parsed and ready to run many times."""
        return PreparedStatement(self, parsed(sql, self.engine))


class PreparedStatement:
    """A statement that runs many times where it was prepared: on a database, a connection, a transaction."""

    def __init__(self, runner: Runner, query: Query) -> None:
        self._runner = runner
        self._query = query

    @overload
    def query(self, params: Parameters = ()) -> list[Row]: ...
    @overload
    def query(self, params: Parameters = (), *, row_type: type[RowT]) -> list[RowT]: ...
    def query(self, params: Parameters = (), *, row_type: type[RowT] | None = None) -> list[Row] | list[RowT]:
        """All rows."""
        return rows(self._runner.run(self._query, params, prepare=True), row_type)

    @overload
    def query_one(self, params: Parameters = ()) -> Row | None: ...
    @overload
    def query_one(self, params: Parameters = (), *, row_type: type[RowT]) -> RowT | None: ...
    def query_one(self, params: Parameters = (), *, row_type: type[RowT] | None = None) -> Row | RowT | None:
        """The first row, or None when there is none."""
        return first(self._runner.run(self._query, params, prepare=True), row_type)

    def execute(self, params: Parameters = ()) -> ExecuteResult:
        """Run it for its effect."""
        return self._runner.run(self._query, params, prepare=True, key=True).outcome


def rows(result: Result, row_type: type[RowT] | None) -> list[Row] | list[RowT]:
    """The result's rows as dictionaries, or as instances of `row_type`."""
    if not result.records:
        return []
    if row_type is None:
        as_mapping = mapping_rows(result.columns)
        return [as_mapping(record) for record in result.records]
    as_instance = dataclass_rows(result.columns, row_type)
    return [as_instance(record) for record in result.records]


def first(result: Result, row_type: type[RowT] | None) -> Row | RowT | None:
    """The result's first row."""
    if not result.records:
        return None
    if row_type is None:
        return mapping_rows(result.columns)(result.records[0])
    return dataclass_rows(result.columns, row_type)(result.records[0])
