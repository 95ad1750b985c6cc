-- Where the server keeps its data.
select current_setting('data_directory')
