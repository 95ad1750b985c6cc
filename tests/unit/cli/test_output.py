"""The contract of the output: the result on stdout, the rest on stderr, one JSON document on demand."""

import json
from collections.abc import Callable

import click
import pytest

from opskit.cli.command import Invocation, common_options
from opskit.cli.main import run
from opskit.cli.output import Outcome
from opskit.errors import ConfigurationError, ExitCode, Fault, OpskitError, Refused, Reverted

KEYS = ["schema_version", "command", "ok", "changed", "result", "warnings", "errors"]


def group(body: Callable[[], Outcome]) -> click.Group:
    """A group with one command, `act`."""

    @click.group()
    def root() -> None:
        pass

    @root.command()
    @common_options
    def act(invocation: Invocation) -> Outcome:
        return body()

    return root


def raising(error: BaseException) -> click.Group:
    def body() -> Outcome:
        raise error

    return group(body)


def test_success_in_json_is_one_document(capsys: pytest.CaptureFixture[str]) -> None:
    outcome = Outcome("done", {"rows": 3, "name": "böse 🐘"}, changed=True, warnings=("careful",))
    assert run(["act", "-o", "json"], group(lambda: outcome)) == 0
    document = json.loads(capsys.readouterr().out)
    assert list(document) == KEYS
    assert document == {
        "schema_version": 1,
        "command": "act",
        "ok": True,
        "changed": True,
        "result": {"rows": 3, "name": "böse 🐘"},
        "warnings": ["careful"],
        "errors": [],
    }


def test_success_in_text_is_the_text_and_warnings_go_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["act"], group(lambda: Outcome("done", warnings=("careful",)))) == 0
    captured = capsys.readouterr()
    assert captured.out == "done\n"
    assert "warning: careful" in captured.err


def test_differences_are_not_ok_and_have_a_result(capsys: pytest.CaptureFixture[str]) -> None:
    outcome = Outcome("differs", {"equal": False}, ExitCode.DIFFERENCES)
    assert run(["act", "-ojson"], group(lambda: outcome)) == 3
    document = json.loads(capsys.readouterr().out)
    assert (document["ok"], document["result"], document["errors"]) == (False, {"equal": False}, [])


def test_failure_in_json_is_one_document_with_every_fault(capsys: pytest.CaptureFixture[str]) -> None:
    error = Refused(Fault("one", "first", "do this", "there"), Fault("two", "second"))
    assert run(["act", "--output", "json"], raising(error)) == 6
    captured = capsys.readouterr()
    document = json.loads(captured.out)
    assert list(document) == KEYS
    assert (document["ok"], document["changed"]) == (False, False)
    assert document["errors"] == [
        {"code": "one", "message": "first", "hint": "do this", "where": "there"},
        {"code": "two", "message": "second", "hint": "", "where": ""},
    ]
    assert "Nothing was done." in captured.err


def test_failure_in_text_leaves_stdout_empty(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["act"], raising(Reverted.of("x", "it broke", hint="mend it"))) == 4
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "error: it broke" in captured.err
    assert "hint: mend it" in captured.err
    assert "put back" in captured.err


@pytest.mark.parametrize(
    "arguments", [["act", "--nonsense"], ["act", "--progress", "xml"], ["nonsense"], ["act", "one too many"]]
)
def test_a_usage_error_is_answered_in_json_when_json_was_asked_for(
    capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    assert run([*arguments, "-o", "json"], group(lambda: Outcome(""))) == 2
    (error,) = json.loads(capsys.readouterr().out)["errors"]
    assert error["code"] == "usage"


def test_an_interrupt_is_130(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["act", "-o", "json"], raising(KeyboardInterrupt())) == 130
    assert json.loads(capsys.readouterr().out)["errors"][0]["code"] == "interrupted"


def test_every_error_has_a_message_and_an_exit_code_of_its_own_kind() -> None:
    assert ConfigurationError.of("x", "y").exit_code == 2
    assert str(OpskitError(Fault("a", "one"), Fault("b", "two"))) == "one; two"
    assert OpskitError.of("x", "y").exit_code == 1


@pytest.mark.parametrize("option", ["--quiet", "-v", "--log-format=json", "--progress=none"])
def test_every_command_takes_the_common_options(option: str) -> None:
    assert run(["act", option], group(lambda: Outcome("done"))) == 0
