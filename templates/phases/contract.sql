-- {{ title }}: {{ phase }}, contract. The old release is gone.
{% for line in acceptances %}
{{ line }}
{% endfor %}

{% if differs %}
{{ guard_sql }}
{% endif %}
{% if not_null %}
-- The check is validated while everyone reads and writes; NOT NULL then reads no row.
ALTER TABLE {{ table }} VALIDATE CONSTRAINT {{ new_check }};
ALTER TABLE {{ table }} ALTER COLUMN {{ target }} SET NOT NULL;
ALTER TABLE {{ table }} DROP CONSTRAINT {{ new_check }};
{% endif %}
DROP TRIGGER {{ trigger }} ON {{ table }};
DROP FUNCTION {{ function }}();
DROP SEQUENCE {{ sequence }};
{% if kind != "require" %}
ALTER TABLE {{ table }} DROP COLUMN {{ old }};
{% endif %}
