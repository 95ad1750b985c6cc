"""What the application writes: a writer and a number tell all about a write."""

from dataclasses import dataclass

WRITERS = 2
"""Threads that write to each database."""

_LIVES = 20
"""So many writes later, every fourth row that was inserted goes again."""


@dataclass(frozen=True, slots=True)
class Tables:
    """The statements on one database, with `?` for parameters, and where their traces are found.

    Attributes:
        keyed: table and column of rows that are inserted and deleted by a text; `counted`: of rows that keep
            the number of the last write.
        keyless: an insert into a table without a key, which takes the page of every fiftieth write.
    """

    insert: str
    update: str
    keyed: tuple[str, str]
    counted: tuple[str, str]
    keyless: str = ""

    @property
    def delete(self) -> str:
        """Takes away what was inserted."""
        return "DELETE FROM {} WHERE {} = ?".format(*self.keyed)


TABLES = {
    "main": Tables(
        "INSERT INTO emails (message_id, sender, subject, body, labels, received_at)"
        " VALUES (?, 'new@example.com', 'New', 'Some words.', '[\"inbox\"]', '2026-01-02 03:04:05')",
        "UPDATE emails SET opened = ? WHERE id = ?",
        ("emails", "message_id"),
        ("emails", "opened"),
        "INSERT INTO visits VALUES ('2026-01-02 03:04:05', ?, 0.5)",
    ),
    "walmart": Tables(
        "INSERT INTO sales VALUES (?, 7, 1, 9.99, '2026-01-02 03:04:05')",
        "UPDATE products SET stock = ? WHERE id = ?",
        ("sales", "ticket"),
        ("products", "stock"),
    ),
}


@dataclass(frozen=True, slots=True)
class Write:
    """One transaction of a writer.

    Attributes:
        inserted: the key of the row that comes; `deleted`: of the one that goes.
        updated: the id of the row that keeps `number`; only this writer's.
    """

    number: int
    inserted: str
    deleted: str | None
    updated: int


def write(writer: int, number: int, rows: int) -> Write:
    """A writer's write by its number.

    Args:
        rows: how many rows can be updated.
    """
    gone = f"w{writer}-{number - _LIVES}" if number % 4 == 0 and number > _LIVES else None
    share = rows // WRITERS
    return Write(number, f"w{writer}-{number}", gone, 1 + writer + WRITERS * (number * 7919 % share))
