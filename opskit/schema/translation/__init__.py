"""SQLite's SQL for PostgreSQL 15: views, checks, defaults, index terms, generated
columns, triggers.

A translation gives what SQLite gives for the values that are there, or is refused with its reason. sqlglot
only parses; what a node means is decided here, and a node that is not known is refused. What holds no column
is computed by SQLite itself.
"""

from opskit.schema.translation.defaults import translate_default
from opskit.schema.translation.result import ColumnTypes, Translation, Untranslatable
from opskit.schema.translation.tables import (
    translate_check,
    translate_generated,
    translate_index_expression,
    translate_predicate,
)
from opskit.schema.translation.triggers import TriggerTranslation, translate_trigger
from opskit.schema.translation.views import order_views, translate_view

__all__ = [
    "ColumnTypes",
    "Translation",
    "TriggerTranslation",
    "Untranslatable",
    "order_views",
    "translate_check",
    "translate_default",
    "translate_generated",
    "translate_index_expression",
    "translate_predicate",
    "translate_trigger",
    "translate_view",
]
