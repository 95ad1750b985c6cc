-- The files of the server's write-ahead log, and how many of them wait to be archived where they are: one row.
select
    (select sum(size) from pg_ls_waldir())::float8 as directory_bytes,
    case when current_setting('archive_mode') <> 'off' then (
        select count(*) from pg_ls_archive_statusdir() where name like '%.ready'
    )::float8 end as archive_pending
