-- Statements of this database by kind. The kind is the first word after comments; `with` may read or write,
-- and `hidden` are those whose text this role may not see.
with worded as materialized (  -- else the word is sought anew for each comparison
    select
        lower(substring(
            left(query, 200) from '^(?:\s|\(|/\*(?:[^*]|\*(?!/))*\*/|--[^\n]*\n)*([a-zA-Z]+|<insufficient)'
        )) as word,
        calls,
        total_exec_time,
        rows
    from pg_stat_statements
    where dbid = (select oid from pg_database where datname = current_database())
      and toplevel
)
select
    case
        when word in ('select', 'insert', 'update', 'delete', 'merge', 'with', 'copy') then word
        when word in ('begin', 'start', 'commit', 'end', 'rollback', 'abort', 'savepoint', 'release')
            then 'transaction'
        when word = '<insufficient' then 'hidden'
        else 'other'
    end as kind,
    sum(calls)::float8 as calls,
    (sum(total_exec_time) / 1000)::float8 as seconds,
    sum(rows)::float8 as rows
from worded
group by 1
