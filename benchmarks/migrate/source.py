"""The SQLite file that is migrated: four kinds of tables, the same at every run."""

import json
import random
import time
from collections.abc import Iterator
from pathlib import Path

import apsw

TABLES = """
CREATE TABLE emails (id INTEGER PRIMARY KEY, sender TEXT NOT NULL, subject TEXT, body TEXT,
                     received_at DATETIME);
CREATE TABLE products (sku TEXT PRIMARY KEY, name TEXT NOT NULL, price DECIMAL(10,2), in_stock BOOLEAN,
                       details TEXT);
CREATE TABLE events (id INTEGER PRIMARY KEY, product TEXT REFERENCES products (sku), kind INTEGER,
                     at DATETIME, value REAL);
CREATE TABLE files (id INTEGER PRIMARY KEY, email INTEGER REFERENCES emails (id), content BLOB);
"""

INDEXES = """
CREATE INDEX emails_sender ON emails (sender);
CREATE INDEX emails_received ON emails (received_at);
CREATE INDEX products_name ON products (name);
CREATE INDEX events_product ON events (product);
CREATE INDEX events_at ON events (at);
CREATE INDEX files_email ON files (email);
"""


def make_source(file: Path, megabytes: int) -> None:
    """Four kinds of tables: long text, JSON, narrow rows, blobs; about `megabytes` in all."""
    scale = megabytes / 1000
    chance = random.Random(1)  # the same data at every run
    words = [f"word{number}" for number in range(2000)]

    def emails() -> Iterator[tuple[object, ...]]:
        for number in range(round(150_000 * scale)):
            body = " ".join(chance.choices(words, k=chance.randint(130, 260))) + "\nregards\n"
            yield number, f"user{number % 5000}@example.org", f"Subject {number}", body, moment(number)

    def products() -> Iterator[tuple[object, ...]]:
        for number in range(round(200_000 * scale)):
            details = json.dumps(
                {"tags": chance.choices(words, k=12), "rating": number % 50 / 10, "text": "x" * 200}
            )
            yield f"sku-{number:08}", f"Product {number}", number % 10000 / 100, number % 2, details

    def events() -> Iterator[tuple[object, ...]]:
        most = max(round(200_000 * scale), 1)
        for number in range(round(3_000_000 * scale)):
            yield number, f"sku-{number % most:08}", number % 7, moment(number), number % 100_000 / 100

    def files() -> Iterator[tuple[object, ...]]:
        for number in range(round(5_000 * scale)):
            yield number, number, chance.randbytes(20_000)

    connection = apsw.Connection(str(file))
    connection.execute("PRAGMA journal_mode = off; PRAGMA synchronous = off")
    connection.execute(TABLES)
    with connection:
        for name, rows, columns in (
            ("emails", emails, 5),
            ("products", products, 5),
            ("events", events, 5),
            ("files", files, 3),
        ):
            connection.executemany(f"INSERT INTO {name} VALUES ({', '.join('?' * columns)})", rows())
        connection.execute(INDEXES)
    connection.close()


def moment(number: int) -> str:
    """ISO text, a second later for every number."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(1_700_000_000 + number))
