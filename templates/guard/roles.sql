-- Where the server allows no event triggers: the role of the application, and of everybody's shell, cannot change the schema.
-- Run as the database's owner, then give the application's DATABASE_URL the second role, and deploys (`[environments.NAME]
-- url-env` in prisma-safe.toml, or --url) the first.
{%- for schema in schemas if schema.foreign %}
-- {{ schema.name }} belongs to another role (before PostgreSQL 15, public always does). As its owner or an administrator, last:
--   ALTER SCHEMA {{ schema.name }} OWNER TO {{ deployer }};
--   REVOKE CREATE ON SCHEMA {{ schema.name }} FROM PUBLIC;
-- Until then {{ application }} may create objects there, but neither change nor drop what {{ deployer }} owns.
{%- endfor %}
{%- for schema in schemas if not schema.foreign %}
CREATE SCHEMA IF NOT EXISTS {{ schema.name }};
{%- endfor %}
CREATE ROLE {{ deployer }} LOGIN PASSWORD '...';
CREATE ROLE {{ application }} LOGIN PASSWORD '...';
GRANT CREATE ON DATABASE {{ database }} TO {{ deployer }};
-- everything changes its owner; PostgreSQL lets the database's owner do so as a member of both roles
GRANT {{ deployer }} TO CURRENT_USER;
{%- for schema in schemas %}
{%- if not schema.foreign %}
ALTER SCHEMA {{ schema.name }} OWNER TO {{ deployer }};
REVOKE CREATE ON SCHEMA {{ schema.name }} FROM PUBLIC;
GRANT USAGE ON SCHEMA {{ schema.name }} TO {{ application }};
{%- endif %}
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {{ schema.name }} TO {{ application }};
GRANT USAGE, SELECT, UPDATE ON ALL SEQUENCES IN SCHEMA {{ schema.name }} TO {{ application }};
ALTER DEFAULT PRIVILEGES FOR ROLE {{ deployer }} IN SCHEMA {{ schema.name }} GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {{ application }};
ALTER DEFAULT PRIVILEGES FOR ROLE {{ deployer }} IN SCHEMA {{ schema.name }} GRANT USAGE, SELECT, UPDATE ON SEQUENCES TO {{ application }};
{%- if schema.history %}
REVOKE ALL ON TABLE {{ schema.name }}._prisma_migrations FROM {{ application }};
{%- endif %}
{%- endfor %}
{%- for statement in owners %}
{{ statement }}
{%- endfor %}
