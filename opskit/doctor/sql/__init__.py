"""The doctor's queries, one a file, named for what it returns."""

from functools import cache
from importlib.resources import files


@cache
def query(name: str) -> bytes:
    """The text of a query."""
    return files("opskit.doctor.sql").joinpath(f"{name}.sql").read_bytes()
