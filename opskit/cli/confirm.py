"""Asking before something is done that cannot be undone."""

import sys
from typing import TypeVar

import click

from opskit.errors import Refused
from opskit.runs.plan import Plan, Step

S = TypeVar("S", bound=Step)


def typed(plan: Plan[S], word: str, what: str) -> None:
    """On a terminal the operator sees the plan and types the name at stake; elsewhere `--yes` says so.

    Args:
        what: what the word is, as in "Type … to go on".

    Raises:
        Refused: nobody is there to answer.
        Abort: the answer was another one.
    """
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise Refused.of(
            "not_confirmed", f"{plan.command} {plan.subject} was not confirmed", hint="add --yes"
        )
    click.echo(plan.to_text(), err=True)
    if click.prompt(f"Type {what} to go on ({word})", err=True) != word:
        raise click.Abort
