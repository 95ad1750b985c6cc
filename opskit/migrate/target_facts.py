"""Reads the facts of a target. Never written."""

from typing import LiteralString, cast

from opskit.errors import Refused
from opskit.migrate.facts import TargetFacts, staging_of
from opskit.transfer.target import Connection

_TARGET: LiteralString = """
SELECT current_setting('server_version_num')::int,
       current_setting('server_encoding'),
       has_schema_privilege(n.oid, 'CREATE') AND has_database_privilege(current_database(), 'CREATE'),
       EXISTS (SELECT FROM pg_namespace WHERE nspname = %(staging)s),
       (SELECT setting::int FROM pg_settings WHERE name = 'maintenance_work_mem')
FROM pg_namespace n WHERE n.nspname = %(schema)s
"""

_OCCUPIED: LiteralString = """
SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = %(schema)s AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')
ORDER BY c.relkind, c.relname LIMIT 20
"""


def read_target(connection: Connection, schema: str) -> TargetFacts:
    """Everything the plan needs to know about the target."""
    row = connection.execute(_TARGET, {"schema": schema, "staging": staging_of(schema)}).fetchone()
    if row is None:
        raise Refused.of(
            "target_schema", f"the target has no schema {schema}", hint=f"CREATE SCHEMA {schema}"
        )
    version, encoding, may_create, leftover, memory = cast("tuple[int, str, bool, bool, int]", row)
    occupied = tuple(str(name) for (name,) in connection.execute(_OCCUPIED, {"schema": schema}))
    return TargetFacts(version, encoding, may_create, occupied, leftover, memory)
