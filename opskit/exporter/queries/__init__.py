"""One query a file, a folder for each engine; read once."""

from functools import cache
from importlib.resources import files

from opskit.config import Engine


@cache
def query(engine: Engine, name: str) -> bytes:
    """The text of queries/ENGINE/NAME.sql, as the bytes that the driver sends."""
    return (files(__name__) / engine.value / f"{name}.sql").read_bytes()
