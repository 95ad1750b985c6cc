-- Who this session is, and whether it may do everything.
select rolname::text, rolsuper
from pg_roles
where rolname = current_user
