-- Which database of which start of which server this session is in: one row, the same for every session there.
select
    current_database()::text as database,
    pg_postmaster_start_time()::text as started
