"""The demo's story in words: first what a manager wants to know, then a digest of what Prometheus sees."""

import re
from collections.abc import Iterator, Mapping

from opskit.demo.story import Story
from opskit.runs.plan import JsonValue

_SAMPLE = re.compile(r"(opskit_\w+)\{([^}]*)\} (\S+)")
_LABEL = re.compile(r'(\w+)="([^"]*)"')


def to_text(story: Story) -> str:
    """The summary for people."""
    return "\n".join([*_happened(story), "", *_seen(story)])


def to_json(story: Story) -> Mapping[str, JsonValue]:
    """The summary for programs."""
    return {
        "postgresql": story.server_version,
        "rows": _rows(story),
        "bytes": story.sample_bytes,
        "seconds": round(story.report.seconds, 3),
        "equal": all(verdict.equal() for verdict in story.verdicts),
        "planted_change_found": story.planted,
        "migration": story.report.to_json(),
        "scrape": {"address": story.address, "series": len(_SAMPLE.findall(story.exposition))},
    }


def _rows(story: Story) -> int:
    return sum(count for tables in story.sample.rows.values() for count in tables.values())


def _happened(story: Story) -> Iterator[str]:
    tables = [table for verdict in story.verdicts for table in verdict.tables]
    compared = sum(table.target_rows for table in tables)
    equal = sum(table.source_rows for table in tables if table.equal)
    rate = round(_rows(story) / story.report.seconds)
    yield "What happened"
    yield (
        f"  1. Two SQLite databases of an application: {len(tables)} tables, {_rows(story):,} rows,"
        f" {story.sample_bytes / 1e6:.1f} MB, awkward values included."
    )
    yield f"  2. A private PostgreSQL {story.server_version} was made for them, and nothing else was touched."
    took = f"{story.report.seconds:.1f} s ({rate:,} rows/s, backup, indexes and proof included)"
    yield f"  3. Everything moved in {took}."
    yield f"  4. {compared:,} rows compared by content, {equal:,} equal: nothing was lost or changed."
    yield f"  5. One value was changed on purpose, and verification named it: {story.planted}."
    yield "  6. DATABASE_TYPE was switched; the exporter reports both databases on PostgreSQL."
    told = story.report.told()
    yield f"  {len(told)} notes for the operator (what PostgreSQL does differently), for example:"
    for sentence in told[:3]:
        yield f"    - {sentence if len(sentence) < 150 else sentence[:147] + '...'}"


def _seen(story: Story) -> Iterator[str]:
    samples = [
        (name, dict(_LABEL.findall(labels)), float(value))
        for name, labels, value in _SAMPLE.findall(story.exposition)
    ]
    yield f"What Prometheus sees at http://{story.address}/metrics ({len(samples)} series)"
    for database in sorted({labels["database"] for _, labels, _ in samples if "database" in labels}):
        mine = [
            (name, labels, value) for name, labels, value in samples if labels.get("database") == database
        ]
        values = {name: value for name, _, value in mine}
        engine = next(
            (one["engine"] for name, one, value in mine if name == "opskit_database_engine" and value), "?"
        )
        connections = sum(value for name, _, value in mine if name == "opskit_postgres_connections")
        calls = sum(value for name, _, value in mine if name == "opskit_statements_total")
        yield (
            f"  {database:8} {'up' if values.get('opskit_database_up') else 'DOWN'} on {engine},"
            f" {values.get('opskit_database_size_bytes', 0) / 1e6:.1f} MB, {connections:.0f} connections,"
            f" {calls:,.0f} statements so far"
        )
