"""The data path: SQLite rows as COPY text, streamed, digested and compared."""
