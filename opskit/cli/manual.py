"""Manual pages from click's own texts: commands in, roff out."""

from collections.abc import Iterable, Iterator, Mapping

import click

from opskit.errors import ExitCode

EXIT_STATUS: Mapping[ExitCode, str] = {
    ExitCode.DONE: "done, or healthy",
    ExitCode.FAILED: "failed as understood",
    ExitCode.USAGE: "usage or configuration",
    ExitCode.DIFFERENCES: "changes pending, differences or problems found (`--plan`, `verify`, `doctor`)",
    ExitCode.REVERTED: "failed, and everything was put back as before",
    ExitCode.ATTENTION: (
        "failed, and needs attention, because not everything could be done or put back: "
        "the hint says which command goes on"
    ),
    ExitCode.REFUSED: "refused by a check, nothing was done",
    ExitCode.BUG: "a bug in opskit; the traceback is in the file it names",
    ExitCode.BUSY: "busy: another run holds the state directory or the target database",
    ExitCode.INTERRUPTED: "interrupted, and everything was put back as before",
}
"""As in docs/cli.md, which a test compares."""

_ENVIRONMENT = (
    ("OPSKIT_CONFIG", "The configuration file, unless --config names one."),
    ("OPSKIT_SECTION__KEY", "A value of the configuration, for example OPSKIT_POSTGRESQL__PORT=5433."),
    ("OPSKIT_STATE_DIR", "Where journals, locks and reports are kept, as state_dir in the configuration."),
    ("NO_COLOR", "No colours and no bars, whatever its value."),
)
_FILES = (
    ("./opskit.yaml", "The configuration, when neither --config nor $OPSKIT_CONFIG names one."),
    ("/etc/opskit/opskit.yaml", "The configuration of this host, read when there is none in the directory."),
    ("/var/lib/opskit", "Journals, locks and reports of what root runs."),
)


def manual(group: click.Group, version: str) -> Mapping[str, str]:
    """The manual: file name → page, one for the program and one for each of its commands."""
    top = click.Context(group, info_name=group.name, **group.context_settings)
    commands = dict(_children(top))
    names = [f"{group.name}-{name}" for name in commands]
    pages = {f"{group.name}.1": _program_page(top, commands, version)}
    for name, context in commands.items():
        others = [one for one in names if one != f"{group.name}-{name}"]
        pages[f"{group.name}-{name}.1"] = _command_page(context, version, [str(group.name), *others])
    return pages


def _children(context: click.Context) -> Iterator[tuple[str, click.Context]]:
    group = context.command
    if not isinstance(group, click.Group):
        return
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command is not None and not command.hidden:
            yield name, click.Context(command, parent=context, info_name=name)


def _program_page(top: click.Context, commands: Mapping[str, click.Context], version: str) -> str:
    entries = [(f"{top.info_name} {name}", _summary(context)) for name, context in commands.items()]
    return _text(
        _head(top, version),
        _described(top),
        _section("COMMANDS", _items(entries)),
        _section("EXIT STATUS", _items((str(int(code)), text) for code, text in EXIT_STATUS.items())),
        _section("ENVIRONMENT", _items(_ENVIRONMENT)),
        _section("FILES", _items(_FILES)),
        _see_also(f"{top.info_name}-{name}" for name in commands),
    )


def _command_page(context: click.Context, version: str, others: Iterable[str]) -> str:
    return _text(_head(context, version), _described(context), _subcommands(context), _see_also(others))


def _head(context: click.Context, version: str) -> Iterator[str]:
    name = context.command_path.replace(" ", "-")
    yield f'.TH "{_escaped(name.upper())}" 1 "" "opskit {_escaped(version)}" "opskit manual"'
    yield from (".nh", ".ad l")
    yield from _section("NAME", [f"{_escaped(name)} \\- {_escaped(_summary(context).rstrip('.'))}"])
    yield from _section("SYNOPSIS", [_usage(context)])


def _described(context: click.Context) -> Iterator[str]:
    yield from _section("DESCRIPTION", _paragraphs(context))
    yield from _section("OPTIONS", _items(_options(context)))


def _subcommands(context: click.Context) -> Iterator[str]:
    children = [child for _, child in _children(context)]
    if children:
        yield ".SH COMMANDS"
    for child in children:
        yield f'.SS "{_escaped(child.command_path)}"'
        yield _usage(child)
        yield from _paragraphs(child)
        yield from _items(_options(child))
        yield from _subcommands(child)


def _see_also(names: Iterable[str]) -> Iterator[str]:
    return _section("SEE ALSO", [",\n".join(f".BR {_escaped(name)} (1)" for name in names)])


def _section(title: str, lines: Iterable[str]) -> Iterator[str]:
    yield f".SH {title}"
    yield from lines


def _items(entries: Iterable[tuple[str, str]]) -> Iterator[str]:
    for term, text in entries:
        yield from (".TP", f"\\fB{_escaped(term)}\\fR", _line(text))


def _usage(context: click.Context) -> str:
    pieces = " ".join(context.command.collect_usage_pieces(context))
    return f"\\fB{_escaped(context.command_path)}\\fR {_escaped(pieces)}"


def _options(context: click.Context) -> Iterator[tuple[str, str]]:
    for parameter in context.command.get_params(context):
        record = parameter.get_help_record(context)
        if record is not None:
            yield record


def _paragraphs(context: click.Context) -> Iterator[str]:
    """A paragraph that begins with a line of \\b alone is not to be refilled, as click has it."""
    for paragraph in _help(context):
        yield ".PP"
        if paragraph.startswith("\b"):
            yield from (".nf", *map(_line, paragraph.splitlines()[1:]), ".fi")
        else:
            yield _line(" ".join(paragraph.split()))


def _summary(context: click.Context) -> str:
    return " ".join(_help(context)[0].split())


def _help(context: click.Context) -> list[str]:
    return (context.command.help or "").split("\f")[0].strip("\n").split("\n\n")


def _text(*parts: Iterable[str]) -> str:
    return "".join(f"{line}\n" for part in parts for line in part)


def _line(text: str) -> str:
    """A line of text, which must not begin as a request does."""
    escaped = _escaped(text)
    return f"\\&{escaped}" if escaped.startswith((".", "'")) else escaped


def _escaped(text: str) -> str:
    return text.replace("\\", "\\e").replace("-", "\\-").replace('"', "\\(dq")
