-- Pages and schema of the file as a reader sees it, the WAL included: one row.
select
    (select page_count from pragma_page_count) as pages,
    (select freelist_count from pragma_freelist_count) as freelist_pages,
    (select schema_version from pragma_schema_version) as schema_cookie
