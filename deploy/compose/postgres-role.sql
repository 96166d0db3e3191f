-- Runs once, inside the container, when the server is made: PostgreSQL's image does what lies in its folder
-- docker-entrypoint-initdb.d. The gateways' role owns their database and nothing else of the server. The server's own
-- role loses its password: it signs in inside the container alone, as the system user of its name.
\set ON_ERROR_STOP on
\set password `cat /run/secrets/postgres-password`
CREATE ROLE poolgate LOGIN PASSWORD :'password';
ALTER DATABASE poolgate OWNER TO poolgate;
REVOKE ALL ON DATABASE poolgate FROM PUBLIC;
ALTER ROLE CURRENT_USER PASSWORD NULL;
