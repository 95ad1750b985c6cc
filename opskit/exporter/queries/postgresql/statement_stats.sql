-- Are statement statistics to be had? The library must be preloaded (its settings then exist) and the
-- extension created here; its schema becomes the search path, so that the next queries find the view.
select
    coalesce(
        (
            select set_config('search_path', quote_ident(n.nspname), false) <> ''
            from pg_extension e
            join pg_namespace n on n.oid = e.extnamespace
            where e.extname = 'pg_stat_statements'
        ),
        false
    )
    and exists (select from pg_settings where name = 'pg_stat_statements.max') as available
