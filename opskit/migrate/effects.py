"""Performs the steps of a migration, and puts them back."""

import time
from collections.abc import Iterator, Mapping
from typing import assert_never

import apsw
import psycopg

from opskit.errors import ConnectionFailed, Fault, OpskitError, QueryFailed
from opskit.migrate.facts import STAGING
from opskit.migrate.finish import add_rule, add_trigger, add_view
from opskit.migrate.session import CopiedTable, Session
from opskit.migrate.staging import (
    analyze,
    drop_staging,
    prepare_staging,
    publish,
    set_generator,
    unpublish,
)
from opskit.migrate.steps import (
    AddRule,
    AddTrigger,
    AddView,
    Analyze,
    BackUp,
    CopyTable,
    CreateTable,
    Prepare,
    Publish,
    SetGenerator,
    Step,
    VerifyTable,
)
from opskit.runs.progress import Progress
from opskit.schema.design import TableDesign
from opskit.transfer.backup import discard
from opskit.transfer.digest import digest
from opskit.transfer.proof import differences, digest_target
from opskit.transfer.source import Block, read_blocks
from opskit.transfer.tables import Pair, TargetTable
from opskit.transfer.target import copy_in, server_words


class MigrateEffects:
    """The effects of a migration on its databases, by name."""

    def __init__(self, sessions: Mapping[str, Session], progress: Progress) -> None:
        self._sessions = sessions
        self._progress = progress

    def perform(self, step: Step) -> None:
        """Makes it so; see `Effects`."""
        session = self._sessions[step.database]
        try:
            self._perform(step, session)
        except psycopg.Error as error:
            raise _server_failure(step, error) from error
        except (apsw.Error, OSError) as error:
            raise QueryFailed.of(
                "source_failed",
                f"{step.title}: {error}",
                hint="see the message; then run again",
                where=step.database,
            ) from error

    def halt(self) -> None:
        """See `Effects`: every step is performed in this thread."""

    def revert(self, step: Step) -> None:
        """Puts it back; see `Effects`."""
        session = self._sessions[step.database]
        try:
            match step:
                case BackUp():
                    discard(step.file)
                case Prepare():
                    session.reconnect()
                    drop_staging(session.writer)
                case Publish():
                    session.reconnect()
                    unpublish(session.writer, step)
                case _:  # everything else stands in the staging schema, which goes as a whole
                    pass
        except (psycopg.Error, OSError) as error:
            words = server_words(error) if isinstance(error, psycopg.Error) else str(error)
            raise QueryFailed.of("not_put_back", words, where=step.database) from error

    def _perform(self, step: Step, session: Session) -> None:  # noqa: C901  one case a kind of step
        match step:
            case BackUp():
                self._progress.stage(f"{step.database}: backup")
                session.keep_copy(step.file)
            case Prepare():
                prepare_staging(session.writer)
            case CreateTable():
                session.writer.execute(step.table.create.encode())
            case CopyTable():
                self._copy(step, session)
            case AddRule():
                add_rule(step.rule, session)
            case SetGenerator():
                set_generator(session.writer, step.table, step.column, step.last_key)
            case Analyze():
                analyze(session.writer, [table.target for table in session.undertaking.design.tables])
            case VerifyTable():
                self._verify(step, session)
            case AddView():
                add_view(step.view, session)
            case AddTrigger():
                add_trigger(step.trigger, session)
            case Publish():
                publish(session.writer, step, session.left_out)
            case _:
                assert_never(step)

    def _copy(self, step: CopyTable, session: Session) -> None:
        started = time.monotonic()
        copied = session.tables[step.table.source] = CopiedTable()
        task = f"{step.database}: copy {step.table.target}"
        self._progress.begin(task, step.rows)
        blocks = self._digested(read_blocks(session.reader, step.source), copied, task)
        taken = copy_in(session.writer, _target(step.table), blocks)
        copied.seconds = time.monotonic() - started
        self._progress.end(task)
        if taken != step.rows or copied.rows != step.rows:
            raise QueryFailed.of(
                "rows_lost",
                f"{step.table.target}: {step.rows} rows in the source, {copied.rows} read, {taken} arrived",
                where=step.table.source,
            )

    def _digested(self, blocks: Iterator[Block], copied: CopiedTable, task: str) -> Iterator[Block]:
        for block in blocks:
            if block.set_aside:  # the profile found none, and the backup cannot have changed since
                raise QueryFailed.of(
                    "misfit", f"{task}: a value does not fit its type", hint="please report this"
                )
            copied.digest += digest(block.lines())
            copied.rows += block.rows
            copied.bytes += len(block.data)
            yield block
            self._progress.advance(task, block.rows)

    def _verify(self, step: VerifyTable, session: Session) -> None:
        """Compares digests; when they differ, the rows: two spellings of one double are no difference."""
        copied = session.tables[step.table.source]
        target = _target(step.table)
        task = f"{step.database}: verify {step.table.target}"
        self._progress.begin(task, copied.rows)
        found = digest_target(session.writer, target, lambda rows: self._progress.advance(task, rows))
        self._progress.end(task)
        if found != copied.digest:
            pair = Pair(step.source, target, step.table.key)
            rows = differences(session.reader, session.writer, pair).rows
            if rows:
                raise QueryFailed(
                    *(
                        Fault("row_differs", f"table {step.table.target}: {row}", where=step.table.source)
                        for row in rows
                    )
                )
        copied.verified = True


def _target(table: TableDesign) -> TargetTable:
    return TargetTable(STAGING, table.target, tuple(column.target for column in table.copied()))


def _server_failure(step: Step, error: psycopg.Error) -> OpskitError:
    message = f"{step.title}: {server_words(error)}"
    if isinstance(error, psycopg.OperationalError) and not error.sqlstate:
        return ConnectionFailed.of("connection_lost", message, hint=_REMEDIES["57P01"])
    hint = _REMEDIES.get(error.sqlstate or "", "see the server's log for the statement, then run again")
    return QueryFailed.of("server_refused", message, hint=hint)


_REMEDIES = {
    "53100": "make room on the server's disk, then run again",
    "57P01": "the server was shut down, or somebody ended the session: when it is up, run again",
    "57P02": "the server crashed: when it is up, run again",
    "42P07": "something was created in the target meanwhile: stop the application, empty it, run again",
}
"""SQLSTATE → what the operator does (https://www.postgresql.org/docs/15/errcodes-appendix.html)."""
