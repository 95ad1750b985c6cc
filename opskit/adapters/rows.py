"""Records become rows: dictionaries, or instances of a dataclass."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import MISSING, fields, is_dataclass
from functools import lru_cache

from opskit.adapters.api import Row, RowT, Value
from opskit.errors import QueryFailed

Record = Sequence[Value]


@lru_cache(maxsize=512)
def mapping_rows(columns: tuple[str, ...]) -> Callable[[Record], Row]:
    """What makes a dictionary of a record.

    Raises:
        QueryFailed: two columns have the same name, so that a dictionary would lose one.
    """
    _refuse_duplicates(columns)
    return lambda record: dict(zip(columns, record, strict=True))


def dataclass_rows(columns: tuple[str, ...], row_type: type[RowT]) -> Callable[[Record], RowT]:
    """What makes an instance of `row_type` of a record. Fields with defaults need no column.

    Raises:
        QueryFailed: columns and fields do not match; all names that do not are in the message.
    """
    _refuse_duplicates(columns)
    known, required = _fields(row_type)
    missing = [name for name in required if name not in columns]
    extra = [name for name in columns if name not in known]
    if missing or extra:
        parts = [f"no column for {', '.join(missing)}"] if missing else []
        parts += [f"no field for {', '.join(extra)}"] if extra else []
        raise QueryFailed.of(
            "row_type",
            f"the columns do not fit {row_type.__name__}: {'; '.join(parts)}",
            hint="select exactly the fields of the dataclass, with aliases where names differ",
        )
    return lambda record: row_type(**dict(zip(columns, record, strict=True)))


@lru_cache(maxsize=512)
def _fields(row_type: type[object]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names a dataclass takes, and those it must be given."""
    if not is_dataclass(row_type):
        raise QueryFailed.of(
            "row_type", f"{row_type.__name__} is not a dataclass", hint="add @dataclass to it"
        )
    taken = [one for one in fields(row_type) if one.init]
    required = [one for one in taken if one.default is MISSING and one.default_factory is MISSING]
    return tuple(one.name for one in taken), tuple(one.name for one in required)


def _refuse_duplicates(columns: tuple[str, ...]) -> None:
    repeated = [name for name, count in Counter(columns).items() if count > 1]
    if repeated:
        raise QueryFailed.of(
            "duplicate_column",
            f"the result has more than one column called {', '.join(repeated)}",
            hint="give them different names with AS",
        )
