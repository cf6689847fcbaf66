-- {{ title }}: {{ phase }}, contract. The old release is gone.
{% for line in acceptances %}
{{ line }}
{% endfor %}

{% if differs %}
{{ guard_sql }}
{% endif %}
{% if requires %}
-- A check is validated while everyone reads and writes; NOT NULL then reads no row.
{% for side in targets if side.required %}
ALTER TABLE {{ table }} VALIDATE CONSTRAINT {{ side.check }};
ALTER TABLE {{ table }} ALTER COLUMN {{ side.name }} SET NOT NULL;
ALTER TABLE {{ table }} DROP CONSTRAINT {{ side.check }};
{% endfor %}
{% endif %}
DROP TRIGGER {{ trigger }} ON {{ table }};
DROP FUNCTION {{ function }}();
DROP SEQUENCE {{ sequence }};
{% if kind != "require" %}
{% for side in old %}
ALTER TABLE {{ table }} DROP COLUMN {{ side.name }};
{% endfor %}
{% endif %}
