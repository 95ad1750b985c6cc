"""A configuration as the file that an operator edits: commented, what is not chosen shown at its default."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from json import dumps
from pathlib import Path

from opskit.config.environment import from_environment
from opskit.config.model import Application, Configuration, Database, Postgresql
from opskit.config.secrets import Secret

_HOME = Path("/srv/crewai")
_PLAIN = re.compile(r"[A-Za-z_/][A-Za-z0-9_/.@+-]*")
_OTHER_THAN_TEXT = re.compile(r"true|false|yes|no|on|off|null", re.IGNORECASE)

_HEAD = """\
# What is commented out stands at its default; docs/configuration.md explains every key.
# `opskit config check` says whether it is valid, `opskit provision --plan` what it would make of this host.
"""

_REST = """
#provision:                          # what `opskit provision` makes of this host
#  cluster: 15/main                  # made when missing, else adopted; never made anew
#  settings: own                     # leave: the server's settings are not touched
#  memory: 50%                       # of this host, for the database
#  disk: 30%                         # of the data directory's disk, for WAL at most

migrate:
  {only_here}user: opskit_owner                 # known by its account, without a password
  types: native                      # same: every value reads back as SQLite gave it
  fold: false                        # true: names in lower case, which SQL without quotes finds

backup:
  directory: /var/backups/opskit
  {only_here}user: opskit_backup                # known by its account, without a password
  keep: {{last: 7, daily: 14, weekly: 8, monthly: 12}}

exporter:
  listen: 127.0.0.1:9188
  {only_here}user: opskit_monitor               # known by its account, without a password

#rollback:
#  window: 7d                        # how long the way back stays open after a cutover

#state_dir: /var/lib/opskit          # journals, locks, reports
"""
"""`only_here` is empty when the server is on this host, where provision makes roles that need no password."""


def first_user() -> Configuration:
    """The application that opskit was made for, where its guide puts it."""
    known = from_environment({})
    return replace(
        known,
        application=Application(env_file=_HOME / ".env"),
        databases={name: replace(one, sqlite=_HOME / one.sqlite) for name, one in known.databases.items()},
        postgresql=Postgresql(host="/var/run/postgresql", user="crewai_user"),
    )


def draft(configuration: Configuration) -> str:
    """The text of a file that says the same of application, databases and server; the rest is proposed."""
    chosen = "\n\n".join(
        "\n".join(lines)
        for lines in (
            _application(configuration.application),
            _databases(configuration.databases),
            _postgresql(configuration.postgresql),
        )
    )
    only_here = "" if configuration.postgresql.host.startswith("/") else "# "
    return f"{_HEAD}\n{chosen}\n{_REST.format(only_here=only_here)}"


def _application(application: Application) -> Iterator[str]:
    if application == Application():
        yield "#application:"
    else:
        yield "application:"
    yield _entry("env_file", application.env_file, "/srv/app/.env", "where DATABASE_TYPE lives")
    yield _entry("unit", application.unit, "app.service", "its systemd unit, restarted at a switch")


def _databases(databases: Mapping[str, Database]) -> Iterator[str]:
    yield "databases:                           # any number, any names"
    for name, database in databases.items():
        yield f"  {_scalar(name)}:"
        yield f"    sqlite: {_scalar(database.sqlite)}"
        yield f"    postgresql: {_scalar(database.postgresql)}"
        yield f"    pool: {database.pool}"
        if database.application_name is not None:
            yield f"    application_name: {_scalar(database.application_name)}"


def _postgresql(server: Postgresql) -> Iterator[str]:
    yield "postgresql:"
    yield _entry("host", server.host, "", "a socket directory, a name, or several with commas")
    yield f"  port: {server.port}"
    yield _entry("user", server.user, "app_user", "the application's role")
    yield _secret("password", server.password)
    for key, value in server.parameters.items():
        yield f"  parameters: {{{_scalar(key)}: {_scalar(value)}}}"


def _entry(key: str, value: str | Path | None, example: str, remark: str) -> str:
    text = f"# {key}: {example}" if value is None else f"{key}: {_scalar(value)}"
    return f"  {text:<34} # {remark}"


def _secret(key: str, secret: Secret | None) -> str:
    """A secret by its place; the one that is shown as an example is a file."""
    shown = secret or Secret(file=Path("/etc/opskit/password"))
    (place,) = ((kind, one) for kind, one in asdict(shown).items() if one is not None)
    text = f"{'# ' if secret is None else ''}{key}: {{{place[0]}: {_scalar(place[1])}}}"
    return f"  {text:<34} # its place, never the password itself"


def _scalar(value: str | Path) -> str:
    """Text that YAML reads as that text; JSON's quotes are YAML's."""
    text = str(value)
    plain = _PLAIN.fullmatch(text) and not _OTHER_THAN_TEXT.fullmatch(text)
    return text if plain else dumps(text, ensure_ascii=False)
