"""Makes a PostgreSQL database as another was: how it encodes and orders text, whose it is, who may what."""

from psycopg import sql

from opskit.backup.manifest import PostgresqlOrigin
from opskit.transfer.target import Connection


def create_database(connection: Connection, name: str, origin: PostgresqlOrigin) -> None:
    """Creates an empty database with the properties of the one that was backed up.

    Raises:
        psycopg.Error: the server refused, or does not know a locale or a role.
    """
    made = sql.SQL(
        "CREATE DATABASE {} OWNER {} TEMPLATE template0 ENCODING {} LC_COLLATE {} LC_CTYPE {}"
    ).format(
        sql.Identifier(name), sql.Identifier(origin.owner), origin.encoding, origin.collate, origin.ctype
    )
    icu = sql.SQL(" LOCALE_PROVIDER icu ICU_LOCALE {}").format(origin.icu_locale or "")
    connection.execute(made + icu if origin.icu_locale else made)
    with connection.transaction():
        for statement in (*_rights(name, origin), *_settings(name, origin)):
            connection.execute(statement)


def _rights(name: str, origin: PostgresqlOrigin) -> list[sql.Composed]:
    """None at all where the default applies."""
    if not origin.rights:
        return []
    database = sql.Identifier(name)
    revoked = sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC, {}").format(
        database, sql.Identifier(origin.owner)
    )
    return [
        revoked,
        *(
            sql.SQL("GRANT {} ON DATABASE {} TO {}{}").format(
                _PRIVILEGES[privilege],
                database,
                sql.Identifier(role) if role else sql.SQL("PUBLIC"),
                sql.SQL(" WITH GRANT OPTION" if grantable else ""),
            )
            for role, privilege, grantable in origin.rights
        ),
    ]


_PRIVILEGES = {
    "CREATE": sql.SQL("CREATE"),
    "CONNECT": sql.SQL("CONNECT"),
    "TEMPORARY": sql.SQL("TEMPORARY"),
}


def _settings(name: str, origin: PostgresqlOrigin) -> list[sql.Composed]:
    """Each is set in the session first and taken from there: the server alone knows how lists are quoted."""
    statements: list[sql.Composed] = []
    for role, setting in origin.settings:
        parameter, _, value = setting.partition("=")
        whose = sql.SQL("ROLE {} IN DATABASE {}").format(sql.Identifier(role), sql.Identifier(name))
        everybody = sql.SQL("DATABASE {}").format(sql.Identifier(name))
        statements += [
            sql.SQL("SELECT pg_catalog.set_config({}, {}, true)").format(parameter, value),
            sql.SQL("ALTER {} SET {} FROM CURRENT").format(
                whose if role else everybody, sql.Identifier(*parameter.split("."))
            ),
        ]
    return statements
