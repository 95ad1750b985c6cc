-- The lines of pg_hba.conf as it stands on disk, in the order in which they are tried.
select line_number, type, database, user_name, address, netmask, auth_method
from pg_hba_file_rules
where error is null
order by line_number
