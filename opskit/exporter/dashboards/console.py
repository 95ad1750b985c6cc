"""The template of Prometheus' own console: pure. It needs prom.lib, which Prometheus' examples bring."""

import re
from collections.abc import Iterator
from html import escape

from opskit.exporter.dashboards.grafana import legend
from opskit.exporter.dashboards.panels import ROWS, Form, Panel, Row
from opskit.exporter.dashboards.query import DATABASE, INSTANCE, RATE_WINDOW, Query, Unit

WINDOW = "5m"
"""Consoles know no window that follows the scrape interval."""

_TEMPLATE = {
    Unit.NUMBER: "humanize",
    Unit.BYTES: "humanize1024",
    Unit.BYTES_PER_SECOND: "humanize1024",
    Unit.SECONDS: "humanizeDuration",
    Unit.PER_SECOND: "humanize",
    Unit.SHARE: "humanizePercentage",
}
_SUFFIX = {Unit.BYTES: "B", Unit.BYTES_PER_SECOND: "B/s", Unit.SECONDS: "s", Unit.PER_SECOND: "/s"}

_HEAD = """<!doctype html>
<html lang="en">
<head>
<title>opskit</title>
{{ template "prom_console_head" }}
<style>
body { padding: 1rem 1rem 4rem; }
.panels { display: grid; grid-template-columns: repeat(auto-fill, minmax(26rem, 1fr)); gap: 1.5rem;
  margin-top: 1rem; }
.panels > * { min-width: 0; }
h2 { font-size: 1rem; }
.table td:last-child { text-align: right; }
.rickshaw_legend { max-height: 9rem; overflow-y: auto; }
</style>
</head>
<body>
{{ $row := or .Params.row "overview" }}
{{ $database := or .Params.database ".+" }}
{{ $instance := or .Params.instance ".+" }}
<ul class="nav nav-pills">
<li class="nav-item"><a class="nav-link{{ if eq $database ".+" }} active{{ end }}"
  href="?row={{ $row }}">all</a></li>
{{ range query "count by (database) (opskit_database_up)" | sortByLabel "database" -}}
<li class="nav-item"><a class="nav-link{{ if eq $database .Labels.database }} active{{ end }}"
  href="?row={{ $row }}&amp;database={{ .Labels.database }}">{{ .Labels.database }}</a></li>
{{ end }}</ul>
<ul class="nav nav-tabs">
"""

_TAIL = """{{ template "prom_graph_timecontrol" . }}
</body>
</html>
"""


def console() -> str:
    """A page with a tab for each row, and the databases to choose from."""
    tabs = "".join(map(_tab, ROWS))
    rows = "\n".join(line for row in ROWS for line in _row(row))
    return f"{_HEAD}{tabs}</ul>\n{rows}\n{_TAIL}"


def _tab(row: Row) -> str:
    active = f'{{{{ if eq $row "{_key(row)}" }}}} active{{{{ end }}}}'
    link = f"?row={_key(row)}&amp;database={{{{ $database }}}}"
    return f'<li class="nav-item"><a class="nav-link{active}" href="{link}">{escape(row.title)}</a></li>\n'


def _key(row: Row) -> str:
    return re.sub(r"\W+", "-", row.title.lower())


def _row(row: Row) -> Iterator[str]:
    yield f'{{{{ if eq $row "{_key(row)}" }}}}\n<div class="panels">'
    for number, panel in enumerate(row.panels):
        yield f'<section>\n<h2 title="{escape(panel.description)}">{escape(panel.title)}</h2>'
        yield from _table(panel) if panel.form is Form.NUMBERS else _graph(panel, number)
        yield "</section>"
    yield "</div>\n{{ end }}"


def _table(panel: Panel) -> Iterator[str]:
    yield '<table class="table table-sm">'
    for query in panel.queries:
        name = " ".join(f"{{{{ .Labels.{label} }}}}" for label in query.labels)
        value = f"{{{{ .Value | {_TEMPLATE[query.unit]} }}}}{'B' if query.unit is Unit.BYTES else ''}"
        yield f"{{{{ range {_expression(query)} | query }}}}"
        yield f"<tr><td>{name}</td><td>{value}</td></tr>"
        yield "{{ else }}<tr><td>none</td></tr>{{ end }}"
    yield "</table>"


def _graph(panel: Panel, number: int) -> Iterator[str]:
    unit = panel.queries[0].unit
    scale = "humanize1024" if unit in (Unit.BYTES, Unit.BYTES_PER_SECOND) else "humanizeNoSmallPrefix"
    names = ", ".join(
        f'"{legend(one, panel).replace("{{", "[[").replace("}}", "]]")}"' for one in panel.queries
    )
    yield f"""<div id="graph{number}"></div>
<script>
new PromConsole.Graph({{
  node: document.querySelector("#graph{number}"),
  expr: [{", ".join(f"{{{{ {_expression(one)} }}}}" for one in panel.queries)}],
  name: [{names}],
  min: 0,
  yAxisFormatter: PromConsole.NumberFormatter.{scale},
  yHoverFormatter: PromConsole.NumberFormatter.{scale},
  yUnits: "{_SUFFIX.get(unit, "")}",
}})
</script>"""


def _expression(query: Query) -> str:
    """The query with what was chosen on the page, as the template's own language writes it."""
    selected = query.expression.replace(DATABASE, 'database=~"%[1]s"').replace(INSTANCE, 'instance=~"%[2]s"')
    return f"printf `{selected.replace(RATE_WINDOW, WINDOW)}` $database $instance"
