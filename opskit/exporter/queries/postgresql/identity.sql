-- Which database of which start of which server this session is in: the same for every session there.
select current_database() || ' ' || pg_postmaster_start_time()
