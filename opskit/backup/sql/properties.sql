-- What a database is beside its content: size, owner, how it encodes and orders text.
SELECT pg_catalog.pg_database_size(d.oid),
       pg_catalog.pg_get_userbyid(d.datdba)::text,
       pg_catalog.pg_encoding_to_char(d.encoding)::text,
       d.datcollate::text,
       d.datctype::text,
       d.daticulocale::text
FROM pg_catalog.pg_database d
WHERE d.datname = pg_catalog.current_database()
