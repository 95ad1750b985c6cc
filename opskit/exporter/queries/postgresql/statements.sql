-- Statements of this database by kind. The kind is the first word after comments; `with` may read or write,
-- and `hidden` are those whose text this role may not see.
select
    k.kind,
    sum(s.calls)::float8 as calls,
    (sum(s.total_exec_time) / 1000)::float8 as seconds,
    sum(s.rows)::float8 as rows
from pg_stat_statements s
cross join lateral (
    select lower(substring(
        left(s.query, 200) from '^(?:\s|\(|/\*(?:[^*]|\*(?!/))*\*/|--[^\n]*\n)*([a-zA-Z]+|<insufficient)'
    )) as word
) as w
cross join lateral (
    select case
        when w.word in ('select', 'insert', 'update', 'delete', 'merge', 'with', 'copy') then w.word
        when w.word in ('begin', 'start', 'commit', 'end', 'rollback', 'abort', 'savepoint', 'release')
            then 'transaction'
        when w.word = '<insufficient' then 'hidden'
        else 'other'
    end as kind
) as k
where s.dbid = (select oid from pg_database where datname = current_database())
  and s.toplevel
group by k.kind
