-- What this role can see: whether all of other roles' doings, and the schema of pg_stat_statements, if that is
-- preloaded (its setting then exists) and created here.
select
    pg_has_role('pg_read_all_stats', 'usage') as all_of_others,
    (
        select n.nspname
        from pg_extension e
        join pg_namespace n on n.oid = e.extnamespace
        where e.extname = 'pg_stat_statements'
          and current_setting('pg_stat_statements.max', true) is not null
    ) as statistics
