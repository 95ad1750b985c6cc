-- The kinds of this database's statements, but for those known ($1): the first word after comments; `with` may read
-- or write.
with worded as materialized (  -- else the word is sought anew for each comparison
    select
        queryid,
        lower(substring(
            min(left(query, 200)) from '^(?:\s|\(|/\*(?:[^*]|\*(?!/))*\*/|--[^\n]*\n)*([a-zA-Z]+)'
        )) as word
    from pg_stat_statements
    where dbid = (select oid from pg_database where datname = current_database())
      and toplevel
      and queryid is not null
      and queryid <> all($1::bigint[])
    group by queryid
)
select
    queryid::text as queryid,
    case
        when word in ('select', 'insert', 'update', 'delete', 'merge', 'with', 'copy') then word
        when word in ('begin', 'start', 'commit', 'end', 'rollback', 'abort', 'savepoint', 'release')
            then 'transaction'
        else 'other'
    end as kind
from worded
