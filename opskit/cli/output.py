"""What commands return and how it is shown: text for people, one JSON document for programs."""

import json
import logging
import os
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import click

from opskit.cli.logs import is_journal, priority_mark
from opskit.errors import ExitCode, OpskitError
from opskit.runs.plan import JsonValue

SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True)
class Outcome:
    """A command's result.

    Attributes:
        text: for people, on stdout.
        result: for programs, the `result` of the JSON envelope.
        changed: did anything change?
    """

    text: str
    result: Mapping[str, JsonValue] = field(default_factory=dict[str, JsonValue])
    exit_code: ExitCode = ExitCode.DONE
    changed: bool = False
    warnings: tuple[str, ...] = ()


@contextmanager
def reader_may_leave() -> Generator[None]:
    """Printing goes on to nowhere when the reader of stdout has gone (`opskit … | head`)."""
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def render(command: str, outcome: Outcome, *, as_json: bool) -> int:
    """Prints an outcome and returns its exit code."""
    if as_json:
        ok = outcome.exit_code is ExitCode.DONE
        _print_json(
            _envelope(
                command,
                ok=ok,
                changed=outcome.changed,
                result=outcome.result,
                warnings=outcome.warnings,
                errors=[],
            )
        )
    else:
        for warning in outcome.warnings:
            click.echo(f"warning: {warning}", err=True)
        with reader_may_leave():
            click.echo(outcome.text)
    return outcome.exit_code


def render_error(command: str, error: OpskitError, *, as_json: bool) -> int:
    """Prints an error and returns its exit code."""
    if as_json:
        errors: list[JsonValue] = [
            {"code": one.code, "message": one.message, "hint": one.hint, "where": one.where}
            for one in error.faults
        ]
        _print_json(_envelope(command, ok=False, changed=False, result={}, warnings=(), errors=errors))
    mark = priority_mark(logging.ERROR) if is_journal(sys.stderr, os.environ) else ""
    for fault in error.faults:
        label = f"{mark}error: " if mark else click.style("error: ", fg="red", bold=True)
        click.echo(label + fault.message.replace("\n", f"\n{mark}"), err=True)
        if fault.hint:
            click.echo(f"{mark}  hint: {fault.hint}", err=True)
    closing = _CLOSING.get(error.exit_code)
    if closing:
        click.echo(f"{mark}{closing}", err=True)
    return error.exit_code


_CLOSING = {
    ExitCode.REVERTED: "Everything was put back as it was before.",
    ExitCode.REFUSED: "Nothing was done.",
    ExitCode.ATTENTION: "This needs attention: follow the hint.",
}


def _envelope(
    command: str,
    *,
    ok: bool,
    changed: bool,
    result: Mapping[str, JsonValue],
    warnings: tuple[str, ...],
    errors: list[JsonValue],
) -> Mapping[str, JsonValue]:
    return {
        "schema_version": SCHEMA_VERSION,
        "command": command,
        "ok": ok,
        "changed": changed,
        "result": result,
        "warnings": list(warnings),
        "errors": errors,
    }


def _print_json(document: Mapping[str, JsonValue]) -> None:
    with reader_may_leave():
        json.dump(document, sys.stdout, ensure_ascii=False, indent=2)
        sys.stdout.write("\n")
