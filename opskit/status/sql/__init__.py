"""One query a file, named for what it returns."""

from functools import cache
from importlib.resources import files


@cache
def query(name: str) -> bytes:
    """The text of NAME.sql, as the bytes that the driver sends."""
    return (files(__name__) / f"{name}.sql").read_bytes()
