-- Where the server allows no event triggers: the role of the application, and of everybody's shell, cannot change the schema.
-- Run as the database's owner, then give the application's DATABASE_URL the second role, and deploys (`[environments.NAME]
-- url-env` in prisma-safe.toml, or --url) the first.
{% for schema in schemas %}
CREATE SCHEMA IF NOT EXISTS {{ schema }};
{%- endfor %}
CREATE ROLE {{ deployer }} LOGIN PASSWORD '...';
CREATE ROLE {{ application }} LOGIN PASSWORD '...';
GRANT CREATE ON DATABASE {{ database }} TO {{ deployer }};
-- everything changes its owner; PostgreSQL lets the database's owner do so as a member of both roles
GRANT {{ deployer }} TO CURRENT_USER;
{%- for schema in schemas %}
ALTER SCHEMA {{ schema }} OWNER TO {{ deployer }};
REVOKE CREATE ON SCHEMA {{ schema }} FROM PUBLIC;
GRANT USAGE ON SCHEMA {{ schema }} TO {{ application }};
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {{ schema }} TO {{ application }};
GRANT USAGE, SELECT, UPDATE ON ALL SEQUENCES IN SCHEMA {{ schema }} TO {{ application }};
ALTER DEFAULT PRIVILEGES FOR ROLE {{ deployer }} IN SCHEMA {{ schema }} GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {{ application }};
ALTER DEFAULT PRIVILEGES FOR ROLE {{ deployer }} IN SCHEMA {{ schema }} GRANT USAGE, SELECT, UPDATE ON SEQUENCES TO {{ application }};
REVOKE ALL ON TABLE {{ schema }}._prisma_migrations FROM {{ application }};
{%- endfor %}
{%- for statement in owners %}
{{ statement }}
{%- endfor %}
