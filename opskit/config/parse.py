"""Untyped YAML into frozen dataclasses, strictly, collecting every fault with its key path.

A validation library would do this too; it would also cost the exporter a quarter of its memory budget.
"""

import re
import types
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from difflib import get_close_matches
from enum import Enum
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar, Union, cast, get_args, get_origin, get_type_hints

from opskit.config.secrets import Secret
from opskit.errors import Fault

T = TypeVar("T")

_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d|w)?")
_PERCENT = re.compile(r"(\d+(?:\.\d+)?)\s*%")
_PLACE_HINT = "write for example `password: {file: /etc/opskit/password}`"
_SECONDS = {"ms": 0.001, "s": 1.0, None: 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}


class _Invalid(Exception):
    """Raised inside the parser; the fault is already recorded."""


class Parser:
    """Collects faults while it parses; `faults` is empty when the result may be used."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []

    def parse(self, kind: type[T], value: object, path: str = "") -> T | None:
        """The value as an instance of dataclass `kind`, or None when faults were recorded."""
        try:
            return cast("T", self._dataclass(kind, value, path))
        except _Invalid:
            return None

    def _fail(self, path: str, message: str, hint: str = "") -> _Invalid:
        self.faults.append(Fault("configuration", f"{path or 'configuration'}: {message}", hint, path))
        return _Invalid()

    def _dataclass(self, kind: type, value: object, path: str) -> object:
        if kind is Secret:
            self._check_secret(value, path)
        entries = self._mapping(value, path)
        known = {item.name: item for item in fields(kind)}
        for key in (one for one in entries if one not in known):
            close = get_close_matches(key, known, n=1)
            hint = f"did you mean `{close[0]}`?" if close else f"known keys here: {', '.join(known)}"
            self._fail(_join(path, key), "unknown key", hint)
        hints = cast("dict[str, object]", get_type_hints(kind))
        arguments: dict[str, object] = {}
        complete = True
        for name, item in known.items():
            where = _join(path, name)
            if name not in entries:
                if item.default is MISSING and item.default_factory is MISSING:
                    self._fail(where, "is required", cast("str", item.metadata.get("hint", f"add `{name}:`")))
                    complete = False
                continue
            try:
                arguments[name] = self._value(hints[name], entries[name], where, item)
            except _Invalid:
                complete = False
        if not complete:
            raise _Invalid
        if kind is Secret and len([one for one in arguments.values() if one is not None]) != 1:
            raise self._fail(path, "names a secret by exactly one of env, file, credential", _PLACE_HINT)
        return cast("Callable[..., object]", kind)(**arguments)

    def _check_secret(self, value: object, path: str) -> None:
        if not isinstance(value, Mapping):  # the text must not quote it
            raise self._fail(path, "holds a secret instead of naming its place", _PLACE_HINT)

    def _mapping(self, value: object, path: str) -> Mapping[str, object]:
        if value is None:
            return {}
        if not isinstance(value, Mapping):
            raise self._fail(path, f"must be a mapping, not {_describe(value)}")
        return {str(key): item for key, item in cast("Mapping[object, object]", value).items()}

    def _value(self, kind: object, value: object, path: str, item: "Field[object] | None") -> object:
        origin = get_origin(kind)
        if origin in (Union, types.UnionType):
            if value is None:
                return None
            (kind,) = (one for one in get_args(kind) if one is not type(None))
            origin = get_origin(kind)
        if origin is Mapping:
            inner = get_args(kind)[1]
            entries = self._mapping(value, path).items()
            parsed = {key: self._each(inner, one, _join(path, key)) for key, one in entries}
            if any(one is _MISSING for one in parsed.values()):
                raise _Invalid
            return MappingProxyType(parsed)
        if origin is tuple:
            return self._words(value, path)
        if is_dataclass(kind):
            return self._dataclass(cast("type", kind), value, path)
        return self._scalar(cast("type", kind), value, path, item)

    def _words(self, value: object, path: str) -> tuple[str, ...]:
        if not isinstance(value, list):
            hint = "write for example [systemctl, --user, stop, app]"
            raise self._fail(path, f"must be a list of words, not {_describe(value)}", hint)
        return tuple(self._text(word, path) for word in cast("list[object]", value))

    def _each(self, kind: object, value: object, path: str) -> object:
        try:
            return self._value(kind, value, path, None)
        except _Invalid:
            return _MISSING

    def _scalar(self, kind: type, value: object, path: str, item: "Field[object] | None") -> object:
        metadata: Mapping[str, object] = item.metadata if item else {}
        if issubclass(kind, Enum):
            choices = [str(one.value) for one in kind]
            if value not in choices:
                raise self._fail(path, f"{value!r} is not one of {', '.join(choices)}")
            return kind(value)
        if kind is Path:
            return Path(self._text(value, path))
        if kind is float:
            return self._share(value, path) if metadata["unit"] == "share" else self._duration(value, path)
        if kind is bool:
            return self._flag(value, path)
        if kind is int:
            return self._integer(value, path, metadata)
        return self._text(value, path)

    def _text(self, value: object, path: str) -> str:
        if isinstance(value, bool) or not isinstance(value, str | int | float) or value == "":
            raise self._fail(path, f"must be text, not {_describe(value)}")
        return str(value)

    def _flag(self, value: object, path: str) -> bool:
        if isinstance(value, bool):
            return value
        if value not in ("true", "false"):  # as the environment spells them
            raise self._fail(path, f"must be true or false, not {_describe(value)}")
        return value == "true"

    def _integer(self, value: object, path: str, metadata: Mapping[str, object]) -> int:
        if isinstance(value, str) and re.fullmatch(r"-?\d+", value):
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            raise self._fail(path, f"must be a whole number, not {_describe(value)}")
        low, high = metadata.get("minimum"), metadata.get("maximum")
        if (isinstance(low, int) and value < low) or (isinstance(high, int) and value > high):
            raise self._fail(
                path, f"{value} is out of range", f"use {low} to {high if high is not None else 'any'}"
            )
        return value

    def _duration(self, value: object, path: str) -> float:
        match = None if isinstance(value, bool) else _DURATION.fullmatch(str(value).strip())
        if match is None:
            raise self._fail(
                path, f"{value!r} is not a duration", "write for example 500ms, 2s, 15m, 12h or 7d"
            )
        return float(match[1]) * _SECONDS[match[2]]

    def _share(self, value: object, path: str) -> float:
        match = _PERCENT.fullmatch(str(value).strip())
        if match is None or not 1 <= float(match[1]) <= 100:
            raise self._fail(path, f"{value!r} is not a share", "write for example 50%")
        return float(match[1]) / 100


_MISSING = object()


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _describe(value: object) -> str:
    if value is None or value == "":
        return "empty"
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    return repr(value)
