-- a line without a name is about a file, or a part of one, that cannot be read
SELECT name, setting, sourcefile, sourceline, error FROM pg_file_settings ORDER BY seqno
