"""Which PostgreSQL type a column becomes, and why: the first candidate that holds every value there is."""

from collections.abc import Iterator, Mapping, Sequence

from opskit.config import TypesProfile
from opskit.schema.model import Affinity, Column, Storage
from opskit.schema.moments import Unit, may_count_time, moment_text, unit_in, unit_of
from opskit.schema.types import GENERAL, MOMENTS, ColumnProfile, TypeChoice, candidates, meant, resolve

_READ_BACK_AS: Mapping[str, tuple[Storage | None, str]] = {
    "text": (Storage.TEXT, "text"),
    "bytea": (Storage.BLOB, "bytes"),
    "numeric": (None, "numeric"),
}
"""Types that hold several storage classes: the one that they keep, and what all others become."""


def choose(column: Column, profile: ColumnProfile, types: TypesProfile) -> TypeChoice:
    """The first candidate without misfits."""
    wanted = candidates(column, types)
    declared = f"declared {column.declared or 'without a type'}"
    is_empty = profile.filled() <= profile.unstorable
    if is_empty and wanted[0] == "bigint" and column.affinity is not Affinity.INTEGER:
        return TypeChoice("text", f"{declared}, holds no value")
    chosen = next(filter(profile.holds, wanted))
    passed = [one for one in wanted[: wanted.index(chosen)] if profile.misfits.get(one)]
    changed = "" if chosen in meant(column, types) else _changed_classes(chosen, profile)
    told = bool(changed) or (bool(passed) and _is_widened(column, wanted[0]))
    why = "; ".join(_reasons(column, profile, chosen, passed if told else ()))
    if changed:
        why += f"; {changed}"
    loses_offsets = chosen in MOMENTS and profile.offset is not None
    return TypeChoice(chosen, f"{declared}, {why}", told or loses_offsets)


def _reasons(column: Column, profile: ColumnProfile, chosen: str, passed: Sequence[str]) -> Iterator[str]:
    """Why not the types that were passed over, and how the values are written."""
    unit = unit_of(*profile.numbers) if profile.numbers and may_count_time(column) else None
    if not (unit and passed):
        yield from (profile.fits(one) for one in _telling(passed, profile) or (chosen,))
    if unit and profile.numbers:
        yield _counting(unit, *profile.numbers)
    if profile.spellings:
        yield "they are " + "; ".join(map(str, profile.spellings))
    if chosen in MOMENTS:
        yield from _varying(profile)


def as_configured(override: str, profile: ColumnProfile) -> TypeChoice:
    """The type that the operator wants for a column; whether it holds the values, the misfits tell."""
    wanted = resolve(override, profile.numbers)
    unit = unit_in(wanted)
    why = f"as configured, {profile.fits(wanted)}"
    if unit:
        why += f"; numbers are {unit}, finer fractions are rounded to microseconds"
    return TypeChoice(wanted, why, told=wanted != override, configured=True)


def _telling(passed: Sequence[str], profile: ColumnProfile) -> tuple[str, ...]:
    """Of the types that do not fit: the most wanted one, and the one that comes nearest."""
    nearest = min(passed, key=lambda one: profile.misfits[one], default=None)
    if nearest is None:
        return ()
    first = passed[0]
    return (first,) if profile.misfits[first] == profile.misfits[nearest] else (first, nearest)


def _varying(profile: ColumnProfile) -> Iterator[str]:
    if profile.shortest is not None and profile.shortest != profile.widest:
        yield f"in spellings of {profile.shortest} to {profile.widest} characters"
    if profile.offset:
        yield f"offsets are not kept, the moments are ({profile.offset})"


def _counting(unit: Unit, lowest: float, highest: float) -> str:
    shown = [f"{number} ({moment_text(number, unit)})" for number in (lowest, highest)]
    override = f"the override timestamptz({unit.value}) converts them"
    return f"the numbers look like {unit}, from {' to '.join(shown)}: {override}"


def _is_widened(column: Column, wanted: str) -> bool:
    # a column without a declared meaning only follows its values; one with a meaning has been widened
    return wanted not in GENERAL or column.affinity in {Affinity.INTEGER, Affinity.REAL, Affinity.TEXT}


def _changed_classes(chosen: str, profile: ColumnProfile) -> str:
    """The sentence about values of different classes that become one, so that some read back as another."""
    if chosen not in _READ_BACK_AS:
        return ""
    kept, name = _READ_BACK_AS[chosen]
    others = [
        f"{count} {one.value}"
        for one, count in profile.storage.items()
        if count and one not in {Storage.NULL, kept}
    ]
    return f"{' and '.join(others)} values read back as {name}" if others else ""
