"""The report of a migration as one HTML page: nothing from elsewhere, every value escaped."""

from base64 import b64encode
from collections.abc import Iterable, Sequence
from datetime import datetime
from hashlib import sha256
from html import escape
from importlib.resources import files
from string import Template

from opskit import __version__
from opskit.migrate.report import DatabaseReport, Made, Report, TableReport
from opskit.migrate.report_figures import count, duration, size
from opskit.migrate.report_notes import Notes
from opskit.migrate.timeline import Phase
from opskit.schema.design import ColumnDesign
from opskit.schema.model import ascii_fold

_ASSETS = files("opskit.migrate") / "page"

OPEN_NOTES = 40
"""Up to so many notes of a database are shown at once; more are opened object by object."""

SHOWN_LINES = 5
"""Longer SQL of a note is opened when it is wanted."""


def page(report: Report) -> str:
    """The page. It works from a file, in print, on a phone, and without scripts (then without its search)."""
    style, script = _asset("page.css"), _asset("page.js")
    return Template(_asset("page.html")).substitute(
        policy=_policy(style, script),
        title=escape(f"Migration of {', '.join(one.name for one in report.databases)}"),
        style=style,
        script=script,
        head=_head(report),
        databases="\n".join(_database(number, one, report) for number, one in enumerate(report.databases)),
        foot=_foot(report),
    )


def _asset(name: str) -> str:
    return (_ASSETS / name).read_text(encoding="utf-8")


def _policy(style: str, script: str) -> str:
    """The page's own style and script, named by their digests, and nothing else."""
    return (
        f"default-src 'none'; style-src {_digest(style)}; script-src {_digest(script)};"
        " base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


def _head(report: Report) -> str:
    rows, notes = report.rows(), len(report.told())
    tables = sum(len(one.tables) for one in report.databases)
    figures = {
        "Rows": f"{rows:,}",
        "Data": size(report.bytes()),
        "Time": duration(report.seconds),
        "Rows a second": f"{rows / report.seconds:,.0f}" if report.seconds else "–",
        "Tables": f"{tables:,}",
        "Notes": f"{notes:,}",
    }
    when = _moment(report.finished)
    return f"""<p class="eyebrow">opskit · migration from SQLite to PostgreSQL · {when}</p>
{_verdict(report)}
<dl class="figures">
{"".join(f"<div><dt>{escape(term)}</dt><dd>{escape(figure)}</dd></div>" for term, figure in figures.items())}
</dl>
{_contents(report)}"""


def _verdict(report: Report) -> str:
    if not report.verified():
        style, words = "bad", "Not every table was verified"
        proof = "The tables marked below were not compared with the source."
    else:
        style, words = "good", "Every row arrived"
        proof = "All rows in PostgreSQL were read back, and are what they were in SQLite."
    if report.rejected():
        style, words = "bad", f"{count(report.rejected(), 'row')} set aside"
        proof = f"PostgreSQL cannot hold them; they are kept beside their tables. {proof}"
    first = next((number for number, one in enumerate(report.databases) if one.told), None)
    notes = count(len(report.told()), "note")
    link = "" if first is None else f' What is different now: <a href="#notes-{first}">{notes}</a>.'
    return f'<h1 class="{style}">{words}</h1>\n<p class="lead">{proof}{link}</p>'


def _contents(report: Report) -> str:
    """Links to the databases; nothing when there is only one."""
    if len(report.databases) < 2:
        return ""
    items = "".join(
        f'<li><a href="#database-{number}">{escape(one.name)}</a> '
        f"{count(len(one.tables), 'table')}, {count(one.rows(), 'row')}, "
        f"{count(len(one.told), 'note')}</li>"
        for number, one in enumerate(report.databases)
    )
    return f'<nav aria-label="Databases"><ul>{items}</ul></nav>'


def _database(number: int, one: DatabaseReport, report: Report) -> str:
    return f"""<section aria-labelledby="database-{number}">
<h2 id="database-{number}">{escape(one.name)}</h2>
{_facts(one)}
{_notes(number, one)}
{_tables(number, one)}
{_others(one.made)}
{_phases(one, report.seconds)}
</section>"""


def _facts(one: DatabaseReport) -> str:
    facts = {
        "From": one.source,
        "To": f"{one.target}, PostgreSQL {one.server_version}",
        "Backup": one.backup,
        "its SHA-256": one.backup_sha256,
    }
    terms = (f"<dt>{escape(term)}</dt><dd><code>{escape(fact)}</code></dd>" for term, fact in facts.items())
    return f'<dl class="facts">{"".join(terms)}</dl>'


def _phases(one: DatabaseReport, seconds: float) -> str:
    rows = "\n".join(_phase(phase, seconds) for phase in one.phases)
    return f"""<h3>Where the time went</h3>
<table class="phases">
<caption>The source was examined first, for {duration(one.profile_seconds)}. Phases may overlap.</caption>
<thead><tr>{_heads("Phase", "Time", "When")}</tr></thead>
<tbody>
{rows}
</tbody>
</table>"""


def _phase(phase: Phase, seconds: float) -> str:
    bar = _bar(phase.seconds, seconds, phase.begun)
    time = duration(phase.seconds)
    return f'<tr><th scope="row">{escape(phase.name)}</th><td>{time}</td><td>{bar}</td></tr>'


def _notes(number: int, one: DatabaseReport) -> str:
    if not one.told:
        return ""
    is_open = " open" if len(one.told) <= OPEN_NOTES else ""
    groups = "\n".join(_about(f"notes-{number}-{nth}", notes, is_open) for nth, notes in enumerate(one.notes))
    return f"""<h3 id="notes-{number}">{count(len(one.told), "note")}</h3>
{groups}"""


def _about(name: str, notes: Notes, is_open: str) -> str:
    lines = "".join(f"<li>{escape(note.sentence)}{_note_sql(note.sql)}</li>" for note in notes.notes)
    summary = f"<b>{escape(notes.about)}</b> <small>{count(len(notes.notes), 'note')}</small>"
    return (
        f'<details class="notes" id="{name}" data-find{is_open}><summary>{summary}</summary>'
        f"<ul>{lines}</ul></details>"
    )


def _note_sql(sql: str) -> str:
    if not sql:
        return ""
    shown = f"<pre>{escape(sql)}</pre>"
    lines = sql.count("\n") + 1
    return (
        shown
        if lines <= SHOWN_LINES
        else f"<details><summary>{lines} lines of SQL</summary>{shown}</details>"
    )


def _tables(number: int, one: DatabaseReport) -> str:
    links = {
        notes.about: f'<br><a href="#notes-{number}-{nth}">{count(len(notes.notes), "note")}</a>'
        for nth, notes in enumerate(one.notes)
    }
    largest = max((table.bytes for table in one.tables), default=0)
    slowest = max((table.seconds for table in one.tables), default=0.0)
    bodies = "\n".join(
        _table(table, largest, slowest, links.get(f"table {table.source}", ""))
        for table in sorted(one.tables, key=lambda table: (-table.bytes, ascii_fold(table.target)))
    )
    heads = _heads("Table", "Rows", "Size", "Copied in", "Rows/s", "MB/s", "Verified")
    return f"""<h3>{count(len(one.tables), "table")}</h3>
<table class="tables">
<caption>The largest first; sizes are those of the data on its way to PostgreSQL.</caption>
<thead><tr>{heads}</tr></thead>
{bodies}
</table>"""


def _table(table: TableReport, largest: int, slowest: float, link: str) -> str:
    name = _name(table.target, table.source)
    aside = f'<br><strong class="bad">{table.rejected:,} set aside</strong>' if table.rejected else ""
    verified = '<span class="good">yes</span>' if table.verified else '<strong class="bad">no</strong>'
    rules = f" · {count(len(table.made), 'key or rule', 'keys and rules')}" if table.made else ""
    return f"""<tbody data-find>
<tr><th scope="row">{name}{link}</th><td>{table.rows:,}{aside}</td>
<td>{size(table.bytes)}{_bar(table.bytes, largest)}</td>
<td>{duration(table.seconds)}{_bar(table.seconds, slowest)}</td>
<td>{table.rows_per_second:,}</td><td>{table.bytes_per_second / 1e6:,.1f}</td><td>{verified}</td></tr>
<tr class="more"><td colspan="7"><details>
<summary>{count(len(table.columns), "column")}{rules}</summary>
<div class="inside">
{_columns(table)}
{_made(table.made)}
</div>
</details></td></tr>
</tbody>"""


def _columns(table: TableReport) -> str:
    rows = "\n".join(_column(column) for column in table.columns)
    generator = table.key_generator
    keys = f" New keys in {generator.column} go on after {generator.last}." if generator else ""
    return f"""<table class="columns">
<caption>Columns of {escape(table.target)}, their types and why.{escape(keys)}</caption>
<thead><tr>{_heads("Column", "Type", "Why")}</tr></thead>
<tbody>
{rows}
</tbody>
</table>"""


def _column(column: ColumnDesign) -> str:
    why = f"{column.reason}; computed by the server" if column.generated else column.reason
    return (
        f'<tr><th scope="row">{_name(column.target, column.source)}</th>'
        f"<td><code>{escape(column.pg_type)}</code></td><td>{escape(why)}</td></tr>"
    )


def _others(made: Sequence[Made]) -> str:
    """Views and triggers, whose statements are long."""
    if not made:
        return ""
    return f"""<h3>{count(len(made), "view or trigger", "views and triggers")}</h3>
<details><summary>{escape(", ".join(one.name for one in made))}</summary>
<div class="inside">
{_made(made)}
</div>
</details>"""


def _made(made: Iterable[Made]) -> str:
    return "\n".join(_one_made(one) for one in made)


def _one_made(one: Made) -> str:
    state = "" if one.valid else ' <strong class="warn">not valid for existing rows</strong>'
    return f"<div>{escape(one.kind)} <b>{escape(one.name)}</b>{state}<pre>{escape(one.sql)}</pre></div>"


def _foot(report: Report) -> str:
    begun, ended = _moment(report.started), _moment(report.finished)
    return f"Run {escape(report.run)}, from {begun} to {ended}, opskit {escape(__version__)}."


def _heads(*names: str) -> str:
    return "".join(f'<th scope="col">{name}</th>' for name in names)


def _name(target: str, source: str) -> str:
    """The name that an object has now, and the one it had."""
    return escape(target) + ("" if target == source else f" <small>was {escape(source)}</small>")


def _bar(value: float, of: float, after: float = 0.0) -> str:
    """A bar for `value` of `of`, which begins at `after`. Drawn, because the policy allows no style here."""
    width, left = (100 * value / of, 100 * after / of) if of else (0.0, 0.0)
    drawn = f'<rect x="{left:.1f}%" width="{width:.1f}%" height="100%"/>'
    return f'<svg class="bar" aria-hidden="true">{drawn}</svg>'


def _moment(at: datetime) -> str:
    return f'<time datetime="{at.isoformat()}">{at:%Y-%m-%d %H:%M:%S} UTC</time>'
