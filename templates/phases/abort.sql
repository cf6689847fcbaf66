-- {{ title }}: aborted. {{ what }}
{% for line in acceptances %}
{{ line }}
{% endfor %}

{% if lost %}
{{ guard_sql }}
{% endif %}
DROP TRIGGER {{ trigger }} ON {{ table }};
DROP FUNCTION {{ function }}();
DROP SEQUENCE {{ sequence }};
{% if new %}
{% for side in old if side.required %}
ALTER TABLE {{ table }} VALIDATE CONSTRAINT {{ side.check }};
ALTER TABLE {{ table }} ALTER COLUMN {{ side.name }} SET NOT NULL;
ALTER TABLE {{ table }} DROP CONSTRAINT {{ side.check }};
{% endfor %}
{% for side in new %}
ALTER TABLE {{ table }} DROP COLUMN {{ side.name }};
{% endfor %}
{% elif has_check %}
{% for side in targets %}
ALTER TABLE {{ table }} DROP CONSTRAINT {{ side.check }};
{% endfor %}
{% elif sets_default %}
{% for side in old %}
ALTER TABLE {{ table }} ALTER COLUMN {{ side.name }} DROP DEFAULT;
{% endfor %}
{% endif %}
