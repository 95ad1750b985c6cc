-- Where the access files stand.
select current_setting('hba_file'), current_setting('ident_file')
