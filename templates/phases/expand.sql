-- {{ title }}: phase 1, expand. The plan, with the SQL of the later phases: {{ plan }}
{% for line in acceptances %}
{{ line }}
{% endfor %}

{% if new %}
-- The new structure. Its default comes second: the rows that are there stay empty until the backfill.
ALTER TABLE {{ table }} ADD COLUMN {{ new }} {{ new_type }};
{% if new_has_default %}
ALTER TABLE {{ table }} ALTER COLUMN {{ new }} SET DEFAULT {{ new_default }};
{% endif %}
{% if not_null %}
-- Neither release writes both columns. What each column demands is a check, made before it is needed: it reads no row.
ALTER TABLE {{ table }} ADD CONSTRAINT {{ old_check }} CHECK ({{ old }} IS NOT NULL) NOT VALID;
ALTER TABLE {{ table }} ALTER COLUMN {{ old }} DROP NOT NULL;
{% if not fallible %}
ALTER TABLE {{ table }} ADD CONSTRAINT {{ new_check }} CHECK ({{ new }} IS NOT NULL) NOT VALID;
{% endif %}
{% endif %}

{% elif kind == "require" %}
{% if not fallible %}
-- What is written from now on has a value; the rows that are there are not read.
ALTER TABLE {{ table }} ADD CONSTRAINT {{ new_check }} CHECK ({{ old }} IS NOT NULL) NOT VALID;

{% endif %}
{% elif sets_default %}
-- The new release leaves the column out; the old one reads this.
ALTER TABLE {{ table }} ALTER COLUMN {{ old }} SET DEFAULT {{ old_default }};

{% endif %}
{{ trigger_sql }}
