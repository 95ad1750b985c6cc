-- What the administrator sees of the role %(role)s; no row when there is none.
select rolcanlogin as may_log_in, coalesce(rolvaliduntil < now(), false) as expired
from pg_roles where rolname = %(role)s
