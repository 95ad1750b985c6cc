"""One query a file; read once."""

from functools import cache
from importlib.resources import files


@cache
def query(name: str) -> bytes:
    """The text of NAME.sql."""
    return (files(__name__) / f"{name}.sql").read_bytes()
