"""What SQLite and its files say of a database."""

from opskit.exporter.metric import DATABASE, gauge

SQLITE = (
    gauge(
        "opskit_sqlite_file_bytes",
        "Size of the database, wal and shm file; none when it does not exist.",
        "files.bytes",
        (*DATABASE, "file"),
    ),
    gauge("opskit_sqlite_page_size_bytes", "Size of a page.", "header.page_size"),
    gauge("opskit_sqlite_pages", "Pages of the database.", "pages.pages"),
    gauge("opskit_sqlite_freelist_pages", "Unused pages in the database.", "pages.freelist_pages"),
    gauge("opskit_sqlite_wal_frames", "Valid frames in the write-ahead log.", "wal.frames"),
    gauge(
        "opskit_sqlite_wal_frames_pending",
        "Frames of the write-ahead log that are not yet in the database file.",
        "wal.pending",
    ),
    gauge(
        "opskit_sqlite_oldest_reader_frame_lag",
        "Frames written since the oldest reader began; a checkpoint cannot go beyond it.",
        "wal.reader_lag",
    ),
    gauge(
        "opskit_sqlite_journal_mode",
        "1 for the journal mode of the file: wal or rollback.",
        "journal_mode.in_use",
        (*DATABASE, "mode"),
    ),
    gauge(
        "opskit_sqlite_schema_cookie",
        "Number that every change of the schema increases.",
        "pages.schema_cookie",
    ),
    gauge(
        "opskit_sqlite_write_lock_held",
        "Whether a connection held the write lock at the moment of the scrape.",
        "lock.write_lock_held",
    ),
    gauge(
        "opskit_sqlite_write_lock_held_seconds",
        "How long the write lock has been seen held, nothing having been committed; 0 while it is free.",
        "lock.held_seconds",
    ),
    gauge(
        "opskit_sqlite_hot_journal",
        "Whether a crashed writer left a rollback journal that the next writer must play back.",
        "lock.hot_journal",
    ),
)
