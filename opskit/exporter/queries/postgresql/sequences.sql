-- The application's ($1: its schema) sequences that are nearest to their end, $2 of them, and how much of each is used: of
-- what the sequence may give, or its column can hold. Only those that this role may read.
with reading as (
    select
        c.relname,
        q.seqincrement > 0 as ascending,
        case when has_sequence_privilege(c.oid, 'usage, select') then pg_sequence_last_value(c.oid) end as last,
        q.seqmin::numeric as lowest,
        least(
            q.seqmax,
            case a.atttypid when 'smallint'::regtype then 32767 when 'integer'::regtype then 2147483647 end
        )::numeric as highest
    from pg_sequence q
    join pg_class c on c.oid = q.seqrelid
    join pg_namespace n on n.oid = c.relnamespace
    left join pg_depend d on d.classid = 'pg_class'::regclass
        and d.objid = c.oid
        and d.refclassid = 'pg_class'::regclass
        and d.deptype in ('a', 'i')
    left join pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
    where n.nspname = $1::text
      and c.relpersistence <> 't'
      and not q.seqcycle
)
select
    relname as sequence,
    (case when ascending then last - lowest else highest - last end / nullif(highest - lowest, 0))::float8 as used_ratio
from reading
where last is not null
order by used_ratio desc, relname
limit $2::integer
