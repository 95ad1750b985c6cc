-- Databases by name: their owners, and what only a new one could have otherwise.
select
    d.datname::text,
    r.rolname::text,
    pg_encoding_to_char(d.encoding)::text,
    coalesce(case when d.datlocprovider = 'i' then d.daticulocale end, d.datcollate)::text,
    d.datallowconn,
    d.datconnlimit
from pg_database d
join pg_roles r on r.oid = d.datdba
where d.datname = any(%(databases)s)
