"""The SQLite side after a cutover: a file that follows PostgreSQL while the way back is open."""
