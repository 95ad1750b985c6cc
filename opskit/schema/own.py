"""What in a SQLite file is opskit's own while it follows or guards it, and no part of the schema. Pure."""

CHANGES = "opskit_changes"
"""The table that notes which rows of the application's change."""

WATCH, FENCE = "opskit_watch_", "opskit_fence_"
"""What triggers are called by that note changes, and that refuse them."""

BEGINNING = f"CREATE TABLE {CHANGES} (number INTEGER PRIMARY KEY, relation INTEGER NOT NULL, k0"
"""How the text of our table begins; another one of its name is the application's."""


def is_own(kind: str, name: str, sql: str) -> bool:
    """Is an object of the file opskit's?

    >>> is_own("trigger", "opskit_watch_0_after_insert", ""), is_own("table", CHANGES, "CREATE TABLE …")
    (True, False)
    """
    if kind == "trigger":
        return name.startswith((WATCH, FENCE))
    return kind == "table" and name == CHANGES and sql.startswith(BEGINNING)
