"""The logical slot that keeps PostgreSQL's log for a reader, and the publication that says of which tables.

A peek gives whole transactions, and the same again until the slot is advanced; a crash of the server can
forget an advance. So what has been taken over is known by the reader, never by the slot.
"""

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import cast

import psycopg
from psycopg import sql

from opskit.capture.pgoutput import Decoder, Message
from opskit.capture.position import Slot, lsn_of, lsn_text
from opskit.errors import QueryFailed
from opskit.transfer.deadlines import allowing
from opskit.transfer.target import Connection, copied_rows, server_words

PREFIX = "opskit"
"""By this, messages in the log are known to be ours."""

LONGEST = 3600.0
"""Seconds that the server may think: nothing is told before the whole log has been read."""

_UNREADABLE = (
    psycopg.errors.InternalError_,
    psycopg.errors.DataCorrupted,
    psycopg.errors.SystemError,
    psycopg.errors.IoError,
    psycopg.errors.UndefinedFile,
)
"""What a server says that is well but cannot make sense of its log, and never will: a segment or a file of
pg_logical is gone or damaged, or "could not map filenode", after a crash beside a TRUNCATE.
"""


class LogUnreadable(QueryFailed):
    """The server cannot read what the slot keeps; only a new slot helps."""


_SERVER = """
SELECT concat_ws('/', system_identifier, left(pg_walfile_name(pg_current_wal_insert_lsn()), 8)),
       pg_current_wal_insert_lsn()::text
FROM pg_control_system()
"""
"""The timeline is that of the log: the control file tells a new one only after the next checkpoint."""


def read_server(connection: Connection) -> tuple[str, int]:
    """Which server this is, and which of its histories; and where its log ends.

    In other histories, places in the log mean nothing.

    Raises:
        psycopg.Error: the server went away.
    """
    row = connection.execute(_SERVER).fetchone()
    server, end = cast("tuple[str, str]", row)
    return server, lsn_of(end)


_STATE = """
SELECT confirmed_flush_lsn::text, pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)::bigint, safe_wal_size,
       wal_status = 'lost', active
FROM pg_replication_slots WHERE slot_name = %s AND database = current_database()
"""


def read_slot(connection: Connection, name: str) -> Slot | None:
    """The slot, None when there is none in this database.

    Raises:
        psycopg.Error: the server went away.
    """
    row = connection.execute(_STATE, (name,)).fetchone()
    if row is None:
        return None
    confirmed, retained, safe, lost, active = cast("tuple[str, int | None, int | None, bool, bool]", row)
    return Slot(name, lsn_of(confirmed or "0/0"), retained or 0, safe, lost, active)


def create_slot(connection: Connection, name: str) -> None:
    """Makes the slot; waits until the transactions that run now have ended. The publication comes first.

    Raises:
        psycopg.Error: the role may not replicate, the server has no slot free or wal_level is not logical.
    """
    with allowing(connection, LONGEST):
        connection.execute("SELECT pg_create_logical_replication_slot(%s, 'pgoutput')", (name,))


def remake_slot(connection: Connection, name: str) -> Slot | None:
    """Makes the slot anew; its log begins now.

    Raises:
        psycopg.Error: see `create_slot` and `drop_slot`.
    """
    drop_slot(connection, name)
    create_slot(connection, name)
    return read_slot(connection, name)


def drop_slot(connection: Connection, name: str) -> None:
    """Lets the log go, if there is such a slot.

    Raises:
        psycopg.Error: somebody is reading it.
    """
    connection.execute(
        "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots"
        " WHERE slot_name = %s AND database = current_database()",
        (name,),
    )


def advance(connection: Connection, name: str, lsn: int) -> None:
    """Lets the log before a place go; never back.

    Raises:
        psycopg.Error: the log of the slot is lost, or somebody reads it.
    """
    connection.execute(
        "SELECT pg_replication_slot_advance(slot_name, %s::pg_lsn) FROM pg_replication_slots"
        " WHERE slot_name = %s AND confirmed_flush_lsn < %s::pg_lsn",
        (lsn_text(lsn), name, lsn_text(lsn)),
    )


def flushed(connection: Connection, lsn: int) -> None:
    """Sees to it that the log up to a place can be peeked at: commits can be seen before they are on disk.

    Raises:
        psycopg.Error: the server went away.
    """
    row = connection.execute("SELECT pg_current_wal_flush_lsn()::text").fetchone()
    if row is None or lsn_of(str(row[0])) < lsn:
        mark(connection, "flush")


def mark(connection: Connection, content: str) -> int:
    """Writes a message into the log and waits until it is on disk; returns a place behind it.

    Raises:
        psycopg.Error: the server went away.
    """
    with connection.transaction():
        connection.execute("SET LOCAL synchronous_commit = local")
        connection.execute("SELECT pg_logical_emit_message(true, %s, %s)", (PREFIX, content))
    row = connection.execute("SELECT pg_current_wal_flush_lsn()::text").fetchone()
    return lsn_of(str(row[0])) if row else 0


@contextmanager
def peeked(connection: Connection, slot: str, publication: str) -> Generator[Iterator[Message]]:
    """The transactions that have ended since the slot was advanced, in the order in which they ended.

    Raises:
        LogUnreadable: the server cannot read its log.
        psycopg.Error: the slot is lost or in use, or the server went away.
    """
    statement = sql.SQL(
        "COPY (SELECT data FROM pg_logical_slot_peek_binary_changes({}, NULL, NULL, 'proto_version', '1',"
        " 'publication_names', {}, 'messages', 'true')) TO STDOUT (FORMAT binary)"
    ).format(slot, sql.Literal(f'"{publication}"'))
    try:
        with allowing(connection, LONGEST), connection.cursor() as cursor, cursor.copy(statement):
            yield _decoded(copied_rows(connection))
    except _UNREADABLE as error:
        words = f"PostgreSQL cannot read its log: {server_words(error)}"
        raise LogUnreadable.of("log_unreadable", words, hint="everything has to be compared") from error


def _decoded(rows: Iterator[bytes]) -> Iterator[Message]:
    """The messages in a binary COPY of one column (https://www.postgresql.org/docs/15/sql-copy.html)."""
    decoder = Decoder()
    for number, row in enumerate(rows):
        start = 0 if number else _HEADER
        if len(row) - start <= _FIELD:  # the trailer
            continue
        message = decoder.decode(row[start + _FIELD :])
        if message is not None:
            yield message


_HEADER = 19
"""Bytes before the first row: a signature, flags, and the length of an extension that is not there."""

_FIELD = 6
"""Bytes before the value of a row's only column: how many columns, and how many bytes."""


_PUBLISHED = """
SELECT tablename::text FROM pg_publication_tables
WHERE pubname = %s AND schemaname = %s AND (SELECT pubinsert AND pubupdate AND pubdelete AND pubtruncate
                                            FROM pg_publication WHERE pubname = %s)
"""


def published(connection: Connection, publication: str, schema: str) -> frozenset[str]:
    """The tables of a schema whose changes are in the log; none without the publication.

    Raises:
        psycopg.Error: the server went away.
    """
    found = connection.execute(_PUBLISHED, (publication, schema, publication)).fetchall()
    return frozenset(str(name) for (name,) in found)


_OWNED = """
SELECT c.relname::text FROM pg_class c
WHERE c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = %s) AND c.relkind = 'r'
  AND c.relpersistence = 'p' AND pg_has_role(c.relowner, 'USAGE')
  AND CASE c.relreplident
      WHEN 'd' THEN EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary)
      WHEN 'f' THEN true ELSE false END
"""


def publish(connection: Connection, publication: str, schema: str) -> None:
    """Makes the publication anew, with the tables of a schema that this role owns.

    One without a primary key is never among them: the application could not update it any more.

    Raises:
        psycopg.Error: the role may not create publications here.
    """
    owned = [str(name) for (name,) in connection.execute(_OWNED, (schema,)).fetchall()]
    with connection.transaction():
        unpublish(connection, publication)
        listed = sql.SQL(", ").join(sql.Identifier(schema, name) for name in owned)
        named = sql.SQL("FOR TABLE {}").format(listed) if owned else sql.SQL("")
        connection.execute(sql.SQL("CREATE PUBLICATION {} {}").format(sql.Identifier(publication), named))


def publication_exists(connection: Connection, publication: str) -> bool:
    """Is there such a publication, of whatever tables?

    Raises:
        psycopg.Error: the server went away.
    """
    found = connection.execute("SELECT 1 FROM pg_publication WHERE pubname = %s", (publication,))
    return found.fetchone() is not None


def unpublish(connection: Connection, publication: str) -> None:
    """Removes the publication, if there is one.

    Raises:
        psycopg.Error: it is another role's.
    """
    connection.execute(sql.SQL("DROP PUBLICATION IF EXISTS {}").format(sql.Identifier(publication)))


def refuses(error: psycopg.Error) -> bool:
    """Is it that the server does not allow this, rather than that it went away?"""
    return isinstance(
        error,
        psycopg.errors.InsufficientPrivilege
        | psycopg.errors.ObjectNotInPrerequisiteState
        | psycopg.errors.ConfigurationLimitExceeded
        | psycopg.errors.FeatureNotSupported,
    )
