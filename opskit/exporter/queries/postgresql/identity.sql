-- Which database of which start of which server this session is in: the same for every session there. (A new session
-- has to look up everything that a query names: to make one text of them would take it longer than all the rest.)
select row(pg_postmaster_start_time(), current_database())
