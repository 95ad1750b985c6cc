-- What sessions of some roles, and in some databases, begin with.
select
    coalesce(r.rolname::text, ''),
    coalesce(d.datname::text, ''),
    split_part(one, '=', 1),
    substr(one, strpos(one, '=') + 1)
from pg_db_role_setting s
cross join unnest(s.setconfig) as one
left join pg_roles r on r.oid = s.setrole
left join pg_database d on d.oid = s.setdatabase
where r.rolname = any(%(roles)s)
   or s.setrole = 0 and d.datname = any(%(databases)s)
order by 1, 2, 3
