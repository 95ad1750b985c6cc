-- How the passwords of roles are stored; for superusers only.
select rolname::text, rolpassword
from pg_authid
where rolname = any(%(roles)s)
