"""DATABASE_TYPE in the application's `.env`."""

from pathlib import Path

from opskit.config import Configuration, Engine, engine_in_use
from opskit.config.env_text import decode, encode, with_values
from opskit.errors import Refused
from opskit.host.files import read_state, write_whole

KEY = "DATABASE_TYPE"


def environment_engine(configuration: Configuration) -> Engine:
    """The engine that the file names, whatever this process's own environment says.

    Raises:
        ConfigurationError: it names neither, or cannot be read.
    """
    return engine_in_use(configuration, {})


def switch_environment(file: Path, engine: Engine) -> None:
    """Sets the key, at once; everything else in the file keeps its bytes.

    Raises:
        Refused: there is no such file, or the key cannot be set in it.
        FileFailed: it cannot be written.
    """
    state = read_state(file)
    if state is None:
        raise Refused.of(
            "env_missing", f"{file} does not exist", hint="run opskit provision", where=str(file)
        )
    text = with_values(decode(state.content), {KEY: engine.value})
    write_whole(file, encode(text), mode=state.mode, owner=state.owner, group=state.group)
