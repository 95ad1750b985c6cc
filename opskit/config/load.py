"""Finding, reading and overriding the configuration file."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from pathlib import Path
from typing import TypeVar, cast

from opskit.config.checks import faults
from opskit.config.model import Configuration
from opskit.config.parse import Parser
from opskit.errors import ConfigurationError, Fault

SYSTEM_FILE = Path("/etc/opskit/opskit.yaml")
OVERRIDE_PREFIX = "OPSKIT_"


@dataclass(frozen=True, slots=True)
class Loaded:
    """A configuration and where each of its values came from (key path → file or environment variable)."""

    configuration: Configuration
    origins: Mapping[str, str]
    file: Path | None

    def state_dir(self) -> Path:
        """The directory for journals, reports and locks."""
        return self.configuration.state_dir or default_state_dir()


def default_state_dir(environ: Mapping[str, str] = os.environ) -> Path:
    """$OPSKIT_STATE_DIR; else /var/lib/opskit as root, and opskit in the XDG state home for others."""
    if environ.get("OPSKIT_STATE_DIR"):
        return Path(environ["OPSKIT_STATE_DIR"])
    if os.geteuid() == 0:
        return Path("/var/lib/opskit")
    state_home = environ.get("XDG_STATE_HOME") or str(Path.home() / ".local/state")
    return Path(state_home) / "opskit"


def locate(option: Path | None, environ: Mapping[str, str] = os.environ) -> Path | None:
    """The configuration file: the option, $OPSKIT_CONFIG, ./opskit.yaml, /etc/opskit/opskit.yaml, or None."""
    if option is not None:
        return option
    if environ.get("OPSKIT_CONFIG"):
        return Path(environ["OPSKIT_CONFIG"])
    return next((path for path in (Path("opskit.yaml"), SYSTEM_FILE) if path.exists()), None)


def load(file: Path, environ: Mapping[str, str] = os.environ) -> Loaded:
    """The configuration in `file` with the environment's overrides.

    Raises:
        ConfigurationError: with every fault, each with its key path.
    """
    document = read_document(file)
    origins = dict.fromkeys(_leaves(document), str(file))
    for name, path, value in _overrides(environ):
        _assign(document, path, value)
        origins[".".join(path)] = f"environment {name}"
    parser = Parser()
    configuration = parser.parse(Configuration, document)
    if configuration is not None:
        parser.faults.extend(faults(configuration))
    if configuration is None or parser.faults:
        raise ConfigurationError(*(_with_origin(fault, origins) for fault in parser.faults))
    return Loaded(_rooted(configuration, file.resolve().parent), origins, file)


def _with_origin(fault: Fault, origins: Mapping[str, str]) -> Fault:
    """A fault in a value that the environment set says so: the operator would look in the file in vain."""
    origin = origins.get(fault.where, "")
    if not origin.startswith("environment"):
        return fault
    return replace(fault, message=f"{fault.message} (from {origin})")


_Settings = TypeVar("_Settings")


def _rooted(settings: _Settings, base: Path) -> _Settings:
    """Relative paths are meant from where the configuration stands, whoever reads it from wherever."""
    if isinstance(settings, Path):
        return cast("_Settings", base / settings)
    if isinstance(settings, Mapping):
        entries = cast("Mapping[str, object]", settings)
        return cast("_Settings", {name: _rooted(one, base) for name, one in entries.items()})
    if is_dataclass(settings) and not isinstance(settings, type):
        parts = {
            one.name: _rooted(cast("object", getattr(settings, one.name)), base) for one in fields(settings)
        }
        return cast("_Settings", type(settings)(**parts))
    return settings


def read_document(file: Path) -> dict[str, object]:
    """The YAML mapping in a file.

    Raises:
        ConfigurationError: it cannot be read, is no mapping, or has a key twice.
    """
    import yaml

    try:
        text = file.read_text(encoding="utf-8")
        document = cast("object", yaml.safe_load(text))
        duplicates = tuple(_duplicates(cast("object", yaml.SafeLoader(text).get_single_node()), ""))
    except OSError as error:
        raise ConfigurationError.of(
            "configuration_file",
            f"{file}: {error.strerror}",
            hint="name a readable file with --config",
            where=str(file),
        ) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigurationError.of(
            "configuration_file",
            f"{file} is not YAML: {' '.join(str(error).split())}",
            hint="mend the file at that line",
            where=str(file),
        ) from error
    if duplicates:
        raise ConfigurationError(*duplicates)
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise ConfigurationError.of("configuration_file", f"{file} does not hold a mapping", where=str(file))
    return cast("dict[str, object]", document)


def _duplicates(node: object, path: str) -> Iterator[Fault]:
    """Keys written twice in one mapping; YAML's own reader would silently keep the last."""
    import yaml

    if not isinstance(node, yaml.MappingNode):
        return
    seen: set[str] = set()
    for key, value in node.value:
        name = str(key.value)
        where = f"{path}.{name}" if path else name
        if name in seen:
            yield Fault("configuration", f"{where}: is written twice", "keep one of the two", where)
        seen.add(name)
        yield from _duplicates(value, where)


def _overrides(environ: Mapping[str, str]) -> list[tuple[str, list[str], str]]:
    """OPSKIT_SECTION__KEY=value → (name, [section, key], value)."""
    found = [
        (name, name.removeprefix(OVERRIDE_PREFIX).lower().split("__"), value)
        for name, value in sorted(environ.items())
        if name.startswith(OVERRIDE_PREFIX) and ("__" in name or name == "OPSKIT_STATE_DIR")
    ]
    return [entry for entry in found if all(entry[1])]


def _assign(document: dict[str, object], path: list[str], value: str) -> None:
    here = document
    for key in path[:-1]:
        inner = here.get(key)
        if not isinstance(inner, dict):
            inner = {}
            here[key] = inner
        here = cast("dict[str, object]", inner)
    here[path[-1]] = value


def _leaves(value: object, path: str = "") -> list[str]:
    if isinstance(value, dict):
        entries = cast("dict[object, object]", value).items()
        return [leaf for key, one in entries for leaf in _leaves(one, f"{path}.{key}" if path else str(key))]
    return [path]
