"""PostgreSQL follows a SQLite file that an application writes: noted changes are brought over.

One snapshot of the file becomes one transaction of PostgreSQL's, with the place in it: a kill at any moment
leaves PostgreSQL at an earlier snapshot, and the notes behind that are still there.
"""

import time
from collections.abc import Callable, Generator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import apsw
import psycopg

from opskit.capture.bring import bring_rows, bring_table, set_generator
from opskit.capture.followed import Followed
from opskit.capture.following import check_may_follow, lock_place, move_place, read_followed
from opskit.capture.sqlite_side import transaction
from opskit.capture.tracked import News, Tracked, moved, track
from opskit.capture.watch import (
    Noted,
    forget_notes,
    has_note,
    is_watched,
    noted,
    open_watched,
    reading,
    renew,
    watching,
)
from opskit.errors import Fault, QueryFailed, Refused
from opskit.schema.sqlite_file import Value, refusal, scalar
from opskit.schema.sqlite_reader import read_schema
from opskit.schema.sqlite_source import copy_open
from opskit.transfer.awake import while_awake
from opskit.transfer.digest import Digest
from opskit.transfer.proof import digest_source
from opskit.transfer.target import connect, server_words
from opskit.transfer.wide_source import sized
from opskit.transfer.workers import Ends

Alive = Callable[[int], None]
"""Called now and then with the number of rows done since the last call."""

APPLICATION_NAME = "opskit follow"

_BEGIN_ANEW = "run opskit migrate --unfollow, empty the target, and migrate again"

_RENEWALS = 10
"""How often tables may change while it is looked how they are watched."""


@dataclass(frozen=True, slots=True)
class Drained:
    """What a drain has brought over.

    Attributes:
        changes: notes, of which several may be about one row.
        number: the last note that has been passed on.
        lag: seconds since the moment that PostgreSQL shows.
    """

    changes: int
    number: int
    lag: float


@dataclass(slots=True)
class Follower:
    """A followed file and the session that brings its changes over.

    Attributes:
        seen: the schema's version when the tables were last looked at.
        content: what virtual tables, which cannot be watched, held at the last drain.
    """

    source: Path
    schema: str
    followed: Followed
    ends: Ends
    tables: tuple[Tracked, ...] = ()
    seen: Value = None
    content: dict[str, Digest] = field(default_factory=dict[str, Digest])


@contextmanager
def follower(
    source: Path, target: Mapping[str, str | int] | str, schema: str = "public"
) -> Generator[Follower]:
    """Opens both sides of a database that is followed.

    Args:
        target: libpq parameters or a connection string; may hold the password.

    Raises:
        Refused: it is not followed, its watch is lost, or the file cannot be read.
        ConnectionFailed: the server cannot be reached.
        QueryFailed: the server failed, also in the block; so may the file, as Refused.
    """
    with ExitStack() as stack:
        writer = connect(target, APPLICATION_NAME, limit=while_awake(target))
        stack.callback(writer.close)
        stack.enter_context(_told(source))
        check_may_follow(writer)
        followed = read_followed(writer, schema)
        if followed is None:
            raise Refused.of(
                "not_followed",
                f"schema {schema} does not follow {source}",
                hint="run opskit migrate --follow",
                where=str(source),
            )
        reader = stack.enter_context(open_watched(source))
        writer.execute("SET session_replication_role = replica")
        yield Follower(source, schema, followed, Ends(reader, writer))


def drain(one: Follower, alive: Alive) -> Drained:
    """Brings over what has been noted: all of one moment, or nothing.

    What arrives is compared with what was sent before it stays. Tables that cannot be brought over by single
    rows are compared whole when they changed.

    Raises:
        Refused: the watch is lost, or tables or columns came or went that PostgreSQL has otherwise.
        QueryFailed: a row does not fit and may not be set aside.
        apsw.Error: the file cannot be read or written; as all of SQLite's and the server's own errors, it is
            told as an operator understands it where the follower is left.
        psycopg.Error: the server refused or went away.
    """
    with _current(one):
        begun = time.monotonic()
        found = _bring(one, alive)
    forget_notes(one.ends.reader, found.last)
    return Drained(found.changes, found.last, time.monotonic() - begun)


def copy_level(one: Follower, file: Path, alive: Alive) -> None:
    """Brings over what has been noted, and copies the SQLite file as it is at that moment to a new one.

    In rollback-journal mode writers wait for the copy.

    Raises:
        Refused: the watch is lost, tables or columns came or went that PostgreSQL has otherwise, or the copy
            finds no room.
        QueryFailed: a row does not fit and may not be set aside.
        apsw.Error: the file cannot be read.
        psycopg.Error: the server refused or went away.
    """
    with _current(one):
        _bring(one, alive)
        copy_open(one.source, one.ends.reader, file)


@contextmanager
def _current(one: Follower) -> Generator[None]:
    """One moment of the file, whose tables are known and watched."""
    file = one.ends.reader
    for _ in range(_RENEWALS):
        with reading(file):
            if scalar(file, "PRAGMA schema_version") == one.seen or _look(one):
                yield
                return
        with transaction(file):
            renew(file, read_schema(file))
    raise Refused.of(
        "schema_moved",
        f"the tables of {one.source} change again and again",
        hint="let the application finish changing its schema, then run again",
        where=str(one.source),
    )


def _look(one: Follower) -> bool:
    """Learns what the tables are like now; false when some are not watched as they should be.

    Raises:
        Refused: tables or columns came or went that PostgreSQL has otherwise.
    """
    file = one.ends.reader
    if not is_watched(file):
        raise _lost(one)
    schema = read_schema(file)
    news = [_news(one, new) for new in moved(one.followed, schema)]
    if news:
        raise Refused(*news)
    watched = watching(file, schema)
    if watched is None:
        return False
    one.tables = track(one.followed, schema, watched, one.schema)
    one.seen = scalar(file, "PRAGMA schema_version")
    return True


def _bring(one: Follower, alive: Alive) -> Noted:
    file, writer = one.ends.reader, one.ends.writer
    with writer.transaction():
        done = lock_place(writer, one.schema)
        if not has_note(file, done):
            raise _lost(one)
        found = noted(file, done)
        for table in one.tables:
            _bring_table(one, table, found, done, alive)
        if found.last != done:
            move_place(writer, one.schema, found.last)
    return found


def _news(one: Follower, new: News) -> Fault:
    hint = _BEGIN_ANEW if new.gone else "run opskit migrate --follow, which makes it in PostgreSQL"
    return Fault("schema_moved", f"{one.source}: {new}", hint, str(new))


def _lost(one: Follower) -> Refused:
    return Refused.of(
        "watch_lost",
        f"what changed in {one.source} since the migration is not known: it was replaced, or its watch ended",
        hint=_BEGIN_ANEW,
        where=str(one.source),
    )


def _bring_table(one: Follower, table: Tracked, found: Noted, done: int, alive: Alive) -> None:
    number = None if table.watched is None else table.watched.number
    aside = one.followed.sets_aside
    if number in found.tables or (number in found.rows and not table.key):
        bring_table(one.ends, table, alive, sets_aside=aside)
    elif number in found.rows:
        bring_rows(one.ends, table, done, alive, sets_aside=aside)
    elif number is None and _has_other_content(one, table, alive):
        bring_table(one.ends, table, alive, sets_aside=aside)
    else:
        return
    set_generator(one.ends, table)


def _has_other_content(one: Follower, table: Tracked, alive: Alive) -> bool:
    """Does a virtual table hold something else than at the last drain?"""
    held = digest_source(one.ends.reader, sized(one.ends.reader, table.model, table.source), alive)
    changed = one.content.get(table.name) != held
    one.content[table.name] = held
    return changed


@contextmanager
def _told(source: Path) -> Generator[None]:
    """What fails is told as an operator understands it."""
    try:
        yield
    except apsw.Error as error:
        raise refusal(source, error) from error
    except psycopg.Error as error:
        raise QueryFailed.of(
            "server_refused", f"{source}: {server_words(error)}", hint="run again", where=str(source)
        ) from error
