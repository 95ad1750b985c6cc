"""Every metric the exporter serves, as data: a metric is an entry here and a column of a collector's rows.

To add one: an entry, and the column (or a new .sql file, named in the engine's COLLECTORS).
"""

from opskit.exporter.catalogue.health import HEALTH
from opskit.exporter.catalogue.postgresql import POSTGRESQL, TABLES
from opskit.exporter.catalogue.postgresql_server import SERVER
from opskit.exporter.catalogue.sqlite import SQLITE
from opskit.exporter.catalogue.statements import STATEMENTS, TOP_STATEMENTS
from opskit.exporter.catalogue.told import TOLD

METRICS = (*HEALTH, *TOLD, *POSTGRESQL, *SERVER, *STATEMENTS, *SQLITE, *TABLES, *TOP_STATEMENTS)
"""Read from databases and status files; in the order in which series are kept when there are too many."""
