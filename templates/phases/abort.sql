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
{% if new and not_null %}
ALTER TABLE {{ table }} VALIDATE CONSTRAINT {{ old_check }};
ALTER TABLE {{ table }} ALTER COLUMN {{ old }} SET NOT NULL;
ALTER TABLE {{ table }} DROP CONSTRAINT {{ old_check }};
{% endif %}
{% if new %}
ALTER TABLE {{ table }} DROP COLUMN {{ new }};
{% elif has_check %}
ALTER TABLE {{ table }} DROP CONSTRAINT {{ new_check }};
{% elif sets_default %}
ALTER TABLE {{ table }} ALTER COLUMN {{ old }} DROP DEFAULT;
{% endif %}
