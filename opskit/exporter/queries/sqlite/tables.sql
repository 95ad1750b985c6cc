-- The number of the application's tables; the shadow tables behind a virtual table count with it.
select count(*) as tables
from sqlite_schema as one
where one.type = 'table'
  and substr(one.name, 1, 7) <> 'sqlite_'
  and not exists (
      select 1
      from sqlite_schema as virtual
      where virtual.rootpage = 0
        and virtual.type = 'table'
        and substr(one.name, 1, length(virtual.name) + 1) = virtual.name || '_'
        and one.rootpage <> 0
  )
