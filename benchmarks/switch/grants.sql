-- In each database: what `opskit provision` gives.
REVOKE ALL ON SCHEMA public FROM PUBLIC;
ALTER SCHEMA public OWNER TO opskit_owner;
GRANT USAGE, CREATE ON SCHEMA public TO application;
GRANT USAGE ON SCHEMA public TO opskit_standby;
ALTER DEFAULT PRIVILEGES FOR ROLE opskit_owner, application GRANT SELECT ON TABLES TO opskit_standby;
ALTER DEFAULT PRIVILEGES FOR ROLE opskit_owner, application GRANT SELECT ON SEQUENCES TO opskit_standby;
REVOKE ALL ON DATABASE {database} FROM PUBLIC;
GRANT CONNECT ON DATABASE {database} TO application, opskit_standby;
