"""The facts and tables below the charts of a database's card."""

from collections.abc import Iterator, Mapping, Sequence

from opskit.config import Engine
from opskit.exporter.facts import Facts
from opskit.exporter.page import charts
from opskit.exporter.page.markup import Markup, joined, tag
from opskit.exporter.page.words import NONE, count, duration, share, since, size
from opskit.exporter.reading import Row

SHOWN_STATEMENTS = 10

BACKUPS = "Backups"
WAY_BACK = "Way back to SQLite"
NOTHING = {BACKUPS: "None has been made yet.", WAY_BACK: "There is none."}
"""What a group without facts says."""


def groups(engine: Engine | None, facts: Facts, now: float) -> Markup:
    """The groups of facts about a database.

    Args:
        now: Unix time.
    """
    found = {
        **(_postgresql(facts, now) if engine is Engine.POSTGRESQL and facts.rows("database") else {}),
        **(_sqlite(facts) if engine is Engine.SQLITE and facts.rows("database") else {}),
        BACKUPS: dict(_backups(facts, now)),
        WAY_BACK: dict(_way_back(facts, now)),
    }
    return tag("div", *(_group(title, facts_) for title, facts_ in found.items()), class_="groups")


def _group(title: str, facts: Mapping[str, str]) -> Markup:
    terms = (tag("div", tag("dt", term), tag("dd", fact)) for term, fact in facts.items())
    body = tag("dl", *terms) if facts else tag("p", NOTHING.get(title, NONE), class_="muted")
    return tag("section", tag("h3", title), body, class_="group")


def _postgresql(facts: Facts, now: float) -> Mapping[str, Mapping[str, str]]:
    idle = facts.number("longest.transaction_seconds", state="idle_in_transaction")
    locks = {
        "Waiting sessions": count(facts.number("blocking.blocked")),
        "in whose way are": count(facts.number("blocking.blocking")),
        "Longest query": duration(facts.number("running.query_seconds")),
        "Longest idle transaction": duration(idle),
        "Deadlocks so far": count(facts.number("transactions.deadlocks")),
    }
    age, limit = facts.number("vacuum.xid_age"), facts.number("limits.xid_freeze_limit")
    archived = facts.number("archiver.last_success")
    server = {
        "Started": since(facts.number("database.start_time"), now),
        "Forced vacuum": f"{share(age / limit)} of the way" if age and limit else NONE,
        "Log files": size(facts.number("wal_files.directory_bytes")),
        "Last archived": since(archived, now) if facts.rows("archiver") else "archiving is off",
        "Replicas": count(facts.number("replication.replicas")),
    }
    return {"Locks": locks, "Server": server}


def _sqlite(facts: Facts) -> Mapping[str, Mapping[str, str]]:
    mode = next((str(row["mode"]) for row in facts.rows("journal_mode") if row.get("in_use")), NONE)
    pages, free = facts.number("pages.pages"), facts.number("pages.freelist_pages")
    file = {
        "Journal": "write-ahead log" if mode == "wal" else mode,
        "Log file": size(facts.number("files.bytes", file="wal")),
        "Pages": f"{count(pages)} of {size(facts.number('header.page_size'))}" if pages else NONE,
        "Unused pages": f"{count(free)} ({share(free / pages)})" if pages and free is not None else NONE,
    }
    return {"File": file}


def _backups(facts: Facts, now: float) -> Iterator[tuple[str, str]]:
    if (made := facts.number("backups.made")) is not None:
        yield "Newest", since(made, now)
        yield "its size", size(facts.number("backups.bytes"))
        yield "took", duration(facts.number("backups.seconds"))
    if facts.value("backups.succeeded") is False:
        yield "Last attempt", f"failed {since(facts.number('backups.attempted'), now)}"
    for row in facts.rows("backups"):
        if row.get("checked"):
            found = "sound" if row["sound"] else "failed"
            yield f"Checked ({row['level']})", f"{found}, {since(float(row['checked'] or 0), now)}"


def _way_back(facts: Facts, now: float) -> Iterator[tuple[str, str]]:
    phase = next((str(row["phase"]) for row in facts.rows("standby") if row.get("in_phase")), None)
    ready = facts.value("standby.ready")
    if ready is not None:
        yield "Rollback", "ready, loses nothing" if ready else "not ready"
    if phase:
        yield "Standby", phase
    if (lag := facts.number("standby.lag")) is not None:
        yield "is behind by", duration(lag)
    if (deadline := facts.number("standby.deadline")) is not None:
        yield "ends", since(deadline, now)
    if (rehearsed := facts.number("rehearsals.rehearsed")) is not None:
        went = "it works" if facts.value("rehearsals.works") else "it fails"
        yield "Rehearsed", f"{went}, {since(rehearsed, now)}"
    if (switched := facts.number("engine_record.since")) is not None:
        yield "Last switch", since(switched, now)


def statements(facts: Facts) -> Markup:
    """The costliest statements by id; nothing where they are not known."""
    told = [row for row in facts.rows("statements") if row.get("top_seconds") is not None]
    ranked = sorted(told, key=lambda row: float(row["top_seconds"] or 0), reverse=True)[:SHOWN_STATEMENTS]
    if not ranked:
        return joined()
    whole = facts.total("statements.seconds") or 1.0
    table = _table([_statement(row, float(row["top_seconds"] or 0) / whole) for row in ranked])
    note = tag(
        "p", "Since their statistics began. Their text: ", tag("code", "opskit top"), ".", class_="muted"
    )
    return tag("section", tag("h3", "Costliest statements"), table, note, class_="wide")


def _statement(row: Row, ratio: float) -> Mapping[str, str]:
    seconds, calls = float(row["top_seconds"] or 0), float(row["top_calls"] or 0)
    return {
        "Statement": tag("code", str(row["queryid"])),
        "Kind": str(row["kind"]),
        "Calls": count(calls),
        "Mean": duration(seconds / calls) if calls else NONE,
        "Total": duration(seconds),
        "Share": tag("span", tag("span", share(ratio)), charts.bar(ratio), class_="share"),
    }


def tables(facts: Facts, now: float) -> Markup:
    """The largest tables, to be opened; nothing where they are not known."""
    found = [_table_row(row, now) for row in facts.rows("largest_tables")]
    if not found:
        return joined()
    return tag("details", tag("summary", "Largest tables"), _table(found), class_="wide")


def _table_row(row: Row, now: float) -> Mapping[str, str]:
    def number(column: str) -> float | None:
        value = row.get(column)
        return None if value is None else float(value)

    return {
        "Table": str(row["table"]),
        "Size": size(number("size_bytes")),
        "Rows": count(number("live_rows")),
        "Dead rows": count(number("dead_rows")),
        "Last vacuum": since(number("last_vacuum"), now),
        "Last analyze": since(number("last_analyze"), now),
    }


def _table(rows: Sequence[Mapping[str, str]]) -> Markup:
    """Rows with the same headings; the first cell of each is its name."""
    heads = tag("tr", *(tag("th", name, scope="col") for name in rows[0]))
    return tag("table", tag("thead", heads), tag("tbody", *(_row(row) for row in rows)))


def _row(row: Mapping[str, str]) -> Markup:
    (_, name), *cells = row.items()
    return tag(
        "tr", tag("th", name, scope="row"), *(tag("td", cell, data_label=head) for head, cell in cells)
    )
