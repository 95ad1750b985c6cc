-- What this session may do in the schema %(schema)s, and what the server's clock says.
with named as (
  select %(schema)s::text as name
), schema as (
  select n.oid, n.nspname from pg_namespace n join named on n.nspname = named.name
), denied as (
  select c.relname::text as name
  from pg_class c join schema on schema.oid = c.relnamespace
  where (c.relkind in ('r', 'p') and not (has_table_privilege(c.oid, 'SELECT') and has_table_privilege(c.oid, 'INSERT')
         and has_table_privilege(c.oid, 'UPDATE') and has_table_privilege(c.oid, 'DELETE')))
     or (c.relkind in ('v', 'm') and not has_table_privilege(c.oid, 'SELECT'))
     or (c.relkind = 'S' and not has_sequence_privilege(c.oid, 'USAGE'))
)
select exists (select from schema) as schema_exists,
       coalesce((select has_schema_privilege(oid, 'USAGE') from schema), false) as schema_usage,
       coalesce((select has_schema_privilege(oid, 'CREATE') from schema), false) as schema_create,
       array(select name from denied order by name) as denied,
       case when pg_is_in_recovery() then 'the server is a standby'
            when current_setting('default_transaction_read_only')::bool then 'default_transaction_read_only is on'
            else '' end as read_only,
       extract(epoch from clock_timestamp())::float8 as clock
