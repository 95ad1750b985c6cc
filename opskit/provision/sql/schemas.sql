-- Schemas by name: their owners and comments.
select n.nspname::text, r.rolname::text, coalesce(obj_description(n.oid, 'pg_namespace'), '')
from pg_namespace n
join pg_roles r on r.oid = n.nspowner
where n.nspname = any(%(schemas)s)
order by 1
