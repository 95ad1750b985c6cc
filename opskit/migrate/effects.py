"""Performs the steps of a migration, and puts them back."""

from collections.abc import Mapping
from dataclasses import replace
from typing import assert_never

import apsw
import psycopg

from opskit.errors import ConnectionFailed, Fault, OpskitError, QueryFailed
from opskit.migrate.existing_fill import check_not_committed, commit, fill, take_back
from opskit.migrate.existing_steps import Commit, Fill
from opskit.migrate.finish import add_rule, add_trigger, add_view, build_index, validate_rule
from opskit.migrate.generated import prove_generated
from opskit.migrate.rejects import refuse, set_aside, with_rejects
from opskit.migrate.session import Session
from opskit.migrate.staging import (
    clear_staging,
    drop_staging,
    prepare_staging,
    publish,
    session_settings,
    set_generator,
    unpublish,
)
from opskit.migrate.steps import (
    AddRule,
    AddTrigger,
    AddView,
    AnalyzeTable,
    BackUp,
    BuildIndex,
    CopyTable,
    CreateTable,
    Prepare,
    ProveGenerated,
    Publish,
    SetAside,
    SetGenerator,
    Step,
    ValidateRule,
    VerifyTable,
)
from opskit.runs.execute import Found
from opskit.runs.progress import Progress
from opskit.schema.names import quote
from opskit.transfer.backup import discard, keep
from opskit.transfer.tables import Pair, TargetTable
from opskit.transfer.target import configure, server_words
from opskit.transfer.tasks import CopyRows, DigestRows, Execute, FindDifferences
from opskit.transfer.wide import hashed


class MigrateEffects:
    """The effects of a migration on its databases, by name."""

    def __init__(self, sessions: Mapping[str, Session], progress: Progress) -> None:
        self._sessions = sessions
        self._progress = progress

    def perform(self, step: Step) -> Found:
        """Makes it so; see `Effects`."""
        session = self._sessions[step.database]
        try:
            return self._perform(step, session)
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
        """See `Effects`."""
        for session in self._sessions.values():
            session.hands.halt()

    def revert(self, step: Step) -> None:
        """Puts it back; see `Effects`."""
        session = self._sessions[step.database]
        try:
            match step:
                case BackUp():
                    session.reconnect()  # without the server nothing is put back, and this goes on from it
                    discard(step.file)
                case Prepare():
                    session.reconnect()
                    drop_staging(session.writer, step.staging)
                case Publish():
                    session.reconnect()
                    unpublish(session.writer, with_rejects(step, session))
                case Fill():
                    session.reconnect()
                    take_back(session.writer)
                case Commit():
                    session.reconnect()
                    check_not_committed(session.writer, session.undertaking.job.staging)
                case _:  # everything else stands in the staging schema, which goes as a whole
                    pass
        except (psycopg.Error, OSError) as error:
            words = server_words(error) if isinstance(error, psycopg.Error) else str(error)
            raise QueryFailed.of("not_put_back", words, where=step.database) from error

    def _perform(self, step: Step, session: Session) -> Found:  # noqa: C901, PLR0912  one case a kind of step
        match step:
            case Prepare():
                self._prepare(step, session)
            case CreateTable():
                session.writer.execute(step.table.create.encode())
            case BackUp():
                session.backup = keep(session.copy, step.file)
                return {"size": session.backup.size, "sha256": session.backup.sha256}
            case CopyTable():
                return self._copy(step, session)
            case SetAside():
                set_aside(session)
            case ProveGenerated():
                prove_generated(step, session)
            case BuildIndex():
                build_index(step.rule, session)
            case AddRule():
                add_rule(step.rule, session)
            case ValidateRule():
                validate_rule(step.rule, session)
            case VerifyTable():
                self._verify(step, session)
            case AnalyzeTable():
                session.hands.run(Execute(f"ANALYZE {quote(step.table)}"), lambda _: None)
            case SetGenerator():
                set_generator(session.writer, session.undertaking.job.staging, step)
            case AddView():
                add_view(step.view, session)
            case AddTrigger():
                add_trigger(step.trigger, session)
            case Publish():
                session.hands.halt()
                publish(session.writer, with_rejects(step, session), session.left_out)
            case Fill():
                session.hands.halt()
                fill(session.writer, step)
            case Commit():
                commit(session.writer)
            case _:
                assert_never(step)
        return None

    def _prepare(self, step: Prepare, session: Session) -> None:
        self._progress.stage(step.database)
        if step.kept:
            clear_staging(session.writer, step)
        else:
            prepare_staging(session.writer, step.staging)
        configure(session.writer, session_settings(step.staging, session.undertaking.target))
        session.hire(step.workers)

    def _copy(self, step: CopyTable, session: Session) -> Found:
        part = f" {step.part}/{step.parts}" if step.parts > 1 else ""
        task = f"{step.database}: copy {step.table.target}{part}"
        self._progress.begin(task, step.rows)
        rows = CopyRows(step.source, _target(step, session))
        copied = session.hands.run(rows, lambda done: self._progress.advance(task, done))
        self._progress.end(task)
        read, taken = copied.digest.rows + copied.set_aside, copied.taken
        if read != step.rows or taken != copied.digest.rows:
            raise QueryFailed.of(
                "rows_lost",
                f"{step.table.target}: {step.rows} rows in the source, {read} read, {taken} arrived",
                where=step.table.source,
            )
        if copied.refused and not session.undertaking.sets_aside:
            refuse(step, copied.refused, session)
        session.tables[step.table.source].parts.append(copied)
        return copied.to_json()

    def _verify(self, step: VerifyTable, session: Session) -> None:
        """Compares digests; when they differ, the rows: two spellings of one double are no difference."""
        copied = session.tables[step.table.source]
        target = _target(step, session)
        task = f"{step.database}: verify {step.table.target}"
        self._progress.begin(task, step.rows)
        found = session.hands.run(DigestRows(target), lambda done: self._progress.advance(task, done))
        self._progress.end(task)
        if found != copied.digest:
            held = replace(step.source, refused=frozenset(copied.refused))
            pair = Pair(held, target, step.table.key)
            rows = session.hands.run(FindDifferences(pair), lambda _: None).rows
            if rows:
                what = f"table {step.table.target}"
                raise QueryFailed(
                    *(Fault("row_differs", f"{what}: {row}", where=step.table.source) for row in rows)
                )
        copied.verified = True


def _target(step: CopyTable | VerifyTable, session: Session) -> TargetTable:
    columns = tuple(column.target for column in step.table.copied())
    return TargetTable(
        session.undertaking.job.staging, step.table.target, columns, hashed(step.source, columns)
    )


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
    "55P03": "the application is using its tables: stop it on PostgreSQL, then run again",
    "42P07": "something was created in the target meanwhile: stop the application, empty it, run again",
}
"""SQLSTATE → what the operator does (https://www.postgresql.org/docs/15/errcodes-appendix.html)."""
