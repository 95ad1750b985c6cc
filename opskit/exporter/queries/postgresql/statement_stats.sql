-- Are statement statistics to be had? The library must be preloaded (its setting then exists) and the
-- extension created here; its schema becomes the first of the search path, before the application's ($2), so that the
-- next queries find the view. With it how many of them are told singly ($1).
select
    coalesce(
        (
            select set_config('search_path', quote_ident(n.nspname) || ', ' || quote_ident($2), false) <> ''
            from pg_extension e
            join pg_namespace n on n.oid = e.extnamespace
            where e.extname = 'pg_stat_statements'
        ),
        false
    )
    and current_setting('pg_stat_statements.max', true) is not null as available,
    $1::float8 as top_limit
