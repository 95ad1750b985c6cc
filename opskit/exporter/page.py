"""The status page: one self-contained page, no scripts, nothing from elsewhere, every value escaped."""

from base64 import b64encode
from collections.abc import Iterable
from hashlib import sha256
from html import escape

from opskit import __version__
from opskit.exporter.reading import Reading, Value

STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { margin: 2rem auto; max-width: 60rem; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .4rem .8rem .4rem 0; border-bottom: 1px solid #8884; }
td.number { font-variant-numeric: tabular-nums; }
.up::before { content: "\\25CF "; color: #2da44e; }
.down::before { content: "\\25CF "; color: #d1242f; }
.scroll { overflow-x: auto; }
""".strip()

POLICY = (
    f"default-src 'none'; style-src 'sha256-{b64encode(sha256(STYLE.encode()).digest()).decode()}'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""The page's Content-Security-Policy: its own style, named by its digest, and nothing else."""

HEADINGS = ("Database", "State", "Engine", "Version", "Size", "Tables", "Connections", "Blocked sessions")


def page(readings: Iterable[Reading]) -> str:
    """The page for one collection."""
    heads = "".join(f'<th scope="col">{escape(heading)}</th>' for heading in HEADINGS)
    rows = "\n".join(_row(reading) for reading in readings)
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>opskit exporter</title>
<style>{STYLE}</style>
</head>
<body>
<h1>opskit exporter</h1>
<div class="scroll">
<table>
<thead><tr>{heads}</tr></thead>
<tbody>
{rows}
</tbody>
</table>
</div>
<p><a href="/metrics">Metrics</a> · opskit {escape(__version__)}</p>
</body>
</html>
"""


def _row(reading: Reading) -> str:
    failure = next((one.failure for one in reading.probes if one.failure), None)
    state = '<span class="up">up</span>' if reading.up else '<span class="down">down</span>'
    reason = f" ({escape(failure)})" if failure else ""
    cells = (
        reading.engine.value if reading.engine else None,
        _value(reading, "database", "server_version"),
        _bytes(_value(reading, "database", "size_bytes")),
        _count(_value(reading, "tables", "tables")),
        _count(_total(reading, "connections", "connections")),
        _count(_value(reading, "blocking", "blocked")),
    )
    rest = "".join(f'<td class="number">{escape(str(cell)) if cell else "–"}</td>' for cell in cells)
    return f'<tr><th scope="row">{escape(reading.database)}</th><td>{state}{reason}</td>{rest}</tr>'


def _value(reading: Reading, collector: str, column: str) -> Value:
    rows = (row for one in reading.collectors if one.name == collector for row in one.rows)
    return next((row.get(column) for row in rows), None)


def _total(reading: Reading, collector: str, column: str) -> Value:
    values = [row.get(column) for one in reading.collectors if one.name == collector for row in one.rows]
    return sum(float(value) for value in values if value is not None) if values else None


def _count(value: Value) -> str | None:
    return None if value is None else f"{float(value):,.0f}"


def _bytes(value: Value) -> str | None:
    if value is None:
        return None
    size = float(value)
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{size:,.0f} {unit}" if unit == "bytes" else f"{size:,.1f} {unit}"
        size /= 1024
    return f"{size:,.1f} TiB"
