SELECT name, setting, sourcefile, sourceline FROM pg_file_settings WHERE name IS NOT NULL ORDER BY seqno
