-- The bytes of all files of this database, which the server looks up one by one: one row.
select pg_database_size(current_database())::float8 as size_bytes
