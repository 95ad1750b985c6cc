"""PostgreSQL's types as the adapters' values: what has no place among them comes back as its text."""

from datetime import UTC, datetime

import psycopg
from psycopg.abc import Buffer
from psycopg.rows import TupleRow
from psycopg.types.datetime import TimestampLoader
from psycopg.types.string import TextLoader

_AS_TEXT = (
    *("uuid", "time", "timetz", "interval", "inet", "cidr", "record"),
    *("int4range", "int8range", "numrange", "daterange", "tsrange", "tstzrange"),
    *("int4multirange", "int8multirange", "nummultirange"),
    *("datemultirange", "tsmultirange", "tstzmultirange"),
)


class _UtcTimestampLoader(TimestampLoader):
    """A timestamp without time zone is in UTC, as every datetime of the adapters."""

    def load(self, data: Buffer) -> datetime:
        return super().load(data).replace(tzinfo=UTC)


def register_loaders(connection: psycopg.Connection[TupleRow]) -> None:
    """Let this connection return nothing but `Value`."""
    connection.adapters.register_loader("timestamp", _UtcTimestampLoader)
    for name in _AS_TEXT:
        connection.adapters.register_loader(name, TextLoader)
