"""Reads the facts of a target. Never written."""

from typing import LiteralString, cast

from psycopg import sql

from opskit.migrate.facts import Staged, TargetFacts, staging_of
from opskit.schema.postgresql_reader import read_target_schema
from opskit.transfer.target import Connection

_TARGET: LiteralString = """
SELECT current_setting('server_version_num')::int,
       current_setting('server_encoding'),
       coalesce(has_schema_privilege(n.oid, 'CREATE'), true)
           AND has_database_privilege(current_database(), 'CREATE'),
       EXISTS (SELECT FROM pg_namespace WHERE nspname = %(staging)s),
       (SELECT setting::int FROM pg_settings WHERE name = 'maintenance_work_mem'),
       n.oid IS NULL,
       (SELECT reset_val FROM pg_settings WHERE name = 'TimeZone'),
       %(heir)s::text IS NULL OR EXISTS (
           SELECT FROM pg_roles heir WHERE heir.rolname = %(heir)s AND pg_has_role(heir.oid, 'MEMBER')
             AND coalesce(has_schema_privilege(heir.oid, n.oid, 'CREATE'), true)
       ),
       EXISTS (
           SELECT FROM pg_settings
           WHERE name = 'default_toast_compression' AND source = 'default' AND 'lz4' = ANY(enumvals)
       )
FROM (SELECT %(schema)s::text AS name) wanted LEFT JOIN pg_namespace n ON n.nspname = wanted.name
"""

_OCCUPIED: LiteralString = """
SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = %(schema)s AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')
ORDER BY c.relkind, c.relname LIMIT 20
"""


def read_target(connection: Connection, schema: str, heir: str | None = None) -> TargetFacts:
    """Everything the plan needs to know about the target.

    Args:
        heir: the role that is to get what is made.
    """
    asked = {"schema": schema, "staging": staging_of(schema), "heir": heir}
    (row,) = connection.execute(_TARGET, asked).fetchall()
    version, encoding, may_create, leftover, memory, missing, zone, may_give, has_lz4 = cast(
        "tuple[int, str, bool, bool, int, bool, str, bool, bool]", row
    )
    occupied = tuple(str(name) for (name,) in connection.execute(_OCCUPIED, {"schema": schema}))
    return TargetFacts(
        version, encoding, may_create, occupied, leftover, memory, missing, zone, may_give, has_lz4
    )


_TABLES: LiteralString = "SELECT tablename FROM pg_tables WHERE schemaname = %s"


def read_staged(connection: Connection, schema: str, holding: frozenset[str] | None = None) -> Staged:
    """What a killed migration into a schema has left.

    Args:
        holding: the target's tables that hold rows, when they were there before.
    """
    staging = staging_of(schema)
    staged = read_target_schema(connection, staging)
    rows: dict[str, int] = {}
    for table in staged.tables:
        counted = connection.execute(
            sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(staging, table))
        ).fetchone()
        rows[table] = cast("int", counted[0]) if counted else 0
    if holding is None:
        holding = frozenset(str(name) for (name,) in connection.execute(_TABLES, (schema,)))
    return Staged(staged, rows, holding)
