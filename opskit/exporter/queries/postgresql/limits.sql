-- How many sessions the server admits, and how many of them are kept for superusers.
select
    current_setting('max_connections')::float8 as connections_limit,
    current_setting('superuser_reserved_connections')::float8 as connections_reserved
