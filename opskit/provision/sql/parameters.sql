-- Roles, by name, that may set a parameter which is otherwise a superuser's.
select r.rolname::text
from pg_roles r
where r.rolname = any(%(roles)s) and has_parameter_privilege(r.oid, %(parameter)s, 'SET')
