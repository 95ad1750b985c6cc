-- Those of some role names that the server does not know.
SELECT name
FROM unnest(%(names)s::text[]) name
WHERE name NOT IN (SELECT rolname FROM pg_catalog.pg_roles)
ORDER BY name
