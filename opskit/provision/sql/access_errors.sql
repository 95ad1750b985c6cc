-- The lines of the access files, as they stand on disk, that the server cannot read, with its words.
select 'pg_hba.conf' as file, line_number, error from pg_hba_file_rules where error is not null
union all
select 'pg_ident.conf', line_number, error from pg_ident_file_mappings where error is not null
order by 1, 2
