"""A reading's numbers by name, as the page and its charts take them; None is unknown."""

from collections.abc import Sequence

from opskit.exporter.reading import Reading, Row, Value


class Facts:
    """What the collectors of one reading found. A source is COLLECTOR.COLUMN, as in the catalogue."""

    def __init__(self, reading: Reading) -> None:
        self._rows = {one.name: one.rows for one in reading.collectors}
        self._probes = {one.name: one.seconds for one in reading.probes if one.failure is None}

    def rows(self, collector: str) -> Sequence[Row]:
        """All that a collector found."""
        return self._rows.get(collector, ())

    def value(self, source: str, **labels: str) -> Value:
        """The first value there is, of the rows with these labels."""
        return next((one for one in self._values(source, labels)), None)

    def text(self, source: str) -> str:
        """A value in words; empty when there is none."""
        value = self.value(source)
        return "" if value is None else str(value)

    def number(self, source: str, **labels: str) -> float | None:
        """A value as a number."""
        value = self.value(source, **labels)
        return None if value is None else float(value)

    def total(self, source: str) -> float | None:
        """The sum over all rows; None when none has a value."""
        values = [float(one) for one in self._values(source, {})]
        return sum(values) if values else None

    def answer_seconds(self) -> float | None:
        """How long it took to connect and to be answered; None unless both succeeded."""
        return sum(self._probes.values()) if {"connect", "read"} <= self._probes.keys() else None

    def _values(self, source: str, labels: dict[str, str]) -> Sequence[str | float | bool]:
        collector, column = source.split(".")
        rows = [row for row in self.rows(collector) if all(row.get(key) == labels[key] for key in labels)]
        return [value for row in rows if (value := row.get(column)) is not None]
