-- Sessions of this database that did not end by their client's wish since its statistics began, by reason.
select
    o.reason,
    o.ended::float8 as ended
from pg_stat_database d
cross join lateral (
    values ('abandoned', d.sessions_abandoned), ('fatal', d.sessions_fatal), ('killed', d.sessions_killed)
) as o (reason, ended)
where d.datname = current_database()
