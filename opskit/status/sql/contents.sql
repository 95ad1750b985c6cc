-- What a database holds: its size, how many tables a schema has, and whether the exporter looks.
SELECT pg_database_size(current_database()) AS size,
       (SELECT count(*) FROM pg_class c
        WHERE c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = %(schema)s)
          AND c.relkind IN ('r', 'p') AND NOT c.relispartition)::int AS tables
