SELECT current_setting('server_version_num')::int,
       pg_is_in_recovery(),
       current_setting('data_checksums') = 'on',
       (SELECT pg_encoding_to_char(encoding) FROM pg_database WHERE datname = 'template1'),
       (SELECT datcollate FROM pg_database WHERE datname = 'template1'),
       ARRAY(SELECT datname::text FROM pg_database WHERE NOT datistemplate AND datname <> 'postgres' ORDER BY 1),
       (SELECT count(*)::int FROM pg_stat_activity
        WHERE backend_type IN ('client backend', 'walsender') AND pid <> pg_backend_pid()
          AND application_name NOT LIKE 'opskit%')
