-- The roles as `opskit provision` makes them.
CREATE ROLE application LOGIN;
CREATE ROLE opskit_owner LOGIN IN ROLE application;
CREATE ROLE opskit_standby LOGIN REPLICATION;
GRANT SET ON PARAMETER session_replication_role TO opskit_owner;
