"""Decides what a migration does. Pure: configuration and facts in, a plan or a list of refusals out."""

from collections.abc import Container, Iterable, Iterator, Sequence

from opskit.config import Misfits
from opskit.errors import Fault, Refused
from opskit.migrate.existing_refusals import existing_refusals
from opskit.migrate.existing_steps import Commit
from opskit.migrate.facts import Job, TargetFacts
from opskit.migrate.stages import publication, stages
from opskit.migrate.steps import BackUp, Step
from opskit.migrate.undertaking import Undertaking
from opskit.runs.journal import UnfinishedRun
from opskit.runs.plan import Plan, Stage

COMMAND = "migrate"

OLDEST_SERVER = 150000

_WORTH_WORKERS = 16 * 1024 * 1024
"""Bytes of source from which on several processes gain more than their start costs."""

_MOST_WORKERS = 4


def plan_migration(
    undertakings: Sequence[Undertaking], workers: int, killed: Sequence[UnfinishedRun] = ()
) -> Plan[Step]:
    """The steps for all databases: each is built and verified, then all are published.

    Args:
        workers: how many steps may be performed side by side.
        killed: earlier runs on the same databases that never came to their end.

    Raises:
        Refused: with every reason, of all databases.
    """
    begun = frozenset(title for run in killed for title in run.begun)
    faults = [fault for one in undertakings for fault in _refusals(one, begun)]
    if faults:
        raise Refused(*faults)
    building = [
        stage
        for one in undertakings
        # all sources as of one moment: no database is built before a kill would leave every backup
        for stage in stages(one, _backups(undertakings) if one is undertakings[0] else (), workers)
    ]
    publishing = _publishing([one for one in undertakings if not one.kept.published])
    told = tuple(f"{one.job.name}: {sentence}" for one in undertakings for sentence in _told(one))
    subject = ", ".join(one.job.name for one in undertakings)
    return Plan(COMMAND, subject, (*building, *publishing), told)


def _backups(undertakings: Sequence[Undertaking]) -> tuple[BackUp, ...]:
    return tuple(
        BackUp(one.job.name, one.job.source, one.backup) for one in undertakings if one.kept.run is None
    )


def _publishing(undertakings: Sequence[Undertaking]) -> Iterator[Stage[Step]]:
    """All are published; what went into existing schemas is committed when every database is filled."""
    for one in undertakings:
        yield Stage((publication(one),))
    for one in undertakings:
        if one.existing is not None:
            yield Stage((Commit(one.job.name),))


def fitting_workers(undertakings: Sequence[Undertaking], cores: int) -> int:
    """How many processes are worth their start: one for small databases, never more than the server likes."""
    size = sum(one.source.size for one in undertakings)
    return 1 if size < _WORTH_WORKERS else min(cores, _MOST_WORKERS)


def matter(jobs: Iterable[Job]) -> str:
    """What moves from where to where: by this, a run knows an earlier one on the same."""
    return "; ".join(
        f"{job.name}: {job.source.absolute()} to schema {job.schema} of {job.target_name}"
        + (" as the application made it" if job.into_existing else "")
        for job in jobs
    )


def _told(one: Undertaking) -> Iterator[str]:
    if one.kept.run is not None:
        yield f"goes on with run {one.kept.run}: what was written to the source since then is not migrated"
    for table in one.design.tables:
        for column, choice in one.source.choices[table.source].items():
            if choice.told:
                yield f"column {column} of table {table.source} became {choice.pg_type}: {choice.reason}"
    yield from one.design.told
    yield from _told_of_zone(one)


_UTC = frozenset({"UTC", "Etc/UTC", "GMT", "Etc/GMT", "UCT", "Zulu", "Universal"})


def _told_of_zone(one: Undertaking) -> Iterator[str]:
    """Many drivers drop the zone of a moment: what they then show is a local time of the session."""
    moments = [
        f"{table.source}.{column.source}"
        for table in one.design.tables
        for column in table.columns
        if column.pg_type.startswith("timestamp with time zone")
    ]
    if moments and one.target.zone not in _UTC:
        shown = ", ".join(moments[:3]) + (f" and {len(moments) - 3} more" if len(moments) > 3 else "")
        yield (
            f"moments were read as UTC ({shown}), and sessions begin in time zone {one.target.zone}: an"
            " application whose driver drops the zone needs ALTER DATABASE … SET timezone = 'UTC',"
            " or overrides to timestamp"
        )


def _refusals(one: Undertaking, begun: Container[str]) -> Iterator[Fault]:
    yield from _target_refusals(one.job, one.target)
    if one.existing is None:
        if one.target.occupied and not one.kept.published:
            yield _occupied(one, published=publication(one).title in begun)
        yield from _misfits(one)
    elif not one.kept.published:
        yield from existing_refusals(one.job, one.existing, one.source)
    yield from _unknown_overrides(one)
    if not one.source.schema.tables:
        yield Fault(
            "nothing_to_migrate", f"{one.job.source} holds no table", "check the path", str(one.job.source)
        )


def _misfits(one: Undertaking) -> Iterator[Fault]:
    """Values that the types of their columns cannot hold, when they are not to be set aside."""
    refused = one.job.misfits is Misfits.REFUSE
    for table in (table.source for table in one.design.tables):
        scan = one.source.scans[table]
        for unfit in scan.unfit if refused else ():
            yield Fault(
                "unfit_text",
                f"{unfit} ({scan.unfit_rows} such rows in table {table}): PostgreSQL cannot store it as text",
                f"mend the value, or set migrate.overrides.{one.job.name}.{table}.{unfit.column} to bytea",
                f"{table}.{unfit.column}",
            )
        for column, profile in one.source.profiles[table].columns.items():
            choice = one.source.choices[table][column]
            misfits = profile.misfits.get(choice.pg_type, 0)
            # an override that most values do not fit is a mistake, not a matter of single rows
            mistaken = choice.configured and 2 * misfits > profile.filled()
            if misfits and (refused or mistaken):
                yield Fault(
                    "override",
                    f"{table}.{column}: {profile.fits(choice.pg_type)}",
                    "mend the values, or give the column another type in migrate.overrides",
                    f"{table}.{column}",
                )


def _target_refusals(job: Job, target: TargetFacts) -> Iterator[Fault]:
    if target.version < OLDEST_SERVER:
        version = f"{target.version // 10000}.{target.version % 10000}"
        yield Fault(
            "server_version", f"{job.target_name} runs PostgreSQL {version}", "use version 15 or later"
        )
    if target.encoding != "UTF8":
        yield Fault(
            "target_encoding",
            f"database {job.target_name} has encoding {target.encoding}, which cannot hold every text",
            "create it with ENCODING 'UTF8' TEMPLATE template0",
            job.target_name,
        )
    if not target.may_create:
        yield Fault(
            "permission_denied",
            f"the role may not create tables in schema {job.schema} or schemas in database {job.target_name}",
            "connect as the owner of the database",
            job.target_name,
        )
    if not target.may_give:
        yield Fault(
            "permission_denied",
            f"the role cannot give tables in schema {job.schema} of {job.target_name} to {job.heir}",
            f"run opskit provision, or grant {job.heir} to the role that migrates, and CREATE there to it",
            job.target_name,
        )


def _occupied(one: Undertaking, *, published: bool) -> Fault:
    """The target holds something: somebody else's, or what a run had published when it was killed."""
    name, target = one.job.name, one.job.target_name
    hint = "migrate into an empty database, or drop these objects first"
    if published:
        hint = (
            f"a run that was killed had published {name}: the same command with --resume goes on after that;"
            " to begin anew, drop these objects first"
        )
    objects = ", ".join(one.target.occupied)
    return Fault(
        "target_not_empty",
        f"schema {one.job.schema} of database {target} is not empty: {objects}",
        hint,
        target,
    )


def _unknown_overrides(one: Undertaking) -> Iterator[Fault]:
    known = {f"{table}.{column}" for table, columns in one.source.choices.items() for column in columns}
    for name in sorted(one.job.overrides.keys() - known):
        yield Fault(
            "override", f"override {name} names no column of {one.job.source}", "correct its name", name
        )
