-- {{ title }}: phase 1, expand. The plan, with the SQL of the later phases: {{ plan }}
{% for line in acceptances %}
{{ line }}
{% endfor %}

{% if new %}
-- The new structure. Its default comes second: the rows that are there stay empty until the backfill.
{% for side in new %}
ALTER TABLE {{ table }} ADD COLUMN {{ side.name }} {{ side.type }};
{% endfor %}
{% for side in new if side.default is not none %}
ALTER TABLE {{ table }} ALTER COLUMN {{ side.name }} SET DEFAULT {{ side.default }};
{% endfor %}
{% if requires %}
-- Neither release writes both sides. What each column demands is a check, made before it is needed: it reads no row.
{% for side in old if side.required %}
ALTER TABLE {{ table }} ADD CONSTRAINT {{ side.check }} CHECK ({{ side.name }} IS NOT NULL) NOT VALID;
ALTER TABLE {{ table }} ALTER COLUMN {{ side.name }} DROP NOT NULL;
{% endfor %}
{% if not fallible %}
{% for side in new if side.required %}
ALTER TABLE {{ table }} ADD CONSTRAINT {{ side.check }} CHECK ({{ side.name }} IS NOT NULL) NOT VALID;
{% endfor %}
{% endif %}
{% endif %}

{% elif kind == "require" %}
{% if not fallible %}
-- What is written from now on has a value; the rows that are there are not read.
{% for side in targets %}
ALTER TABLE {{ table }} ADD CONSTRAINT {{ side.check }} CHECK ({{ side.name }} IS NOT NULL) NOT VALID;
{% endfor %}

{% endif %}
{% elif sets_default %}
-- The new release leaves the column out; the old one reads this.
{% for side in old %}
ALTER TABLE {{ table }} ALTER COLUMN {{ side.name }} SET DEFAULT {{ side.default }};
{% endfor %}

{% endif %}
{{ trigger_sql }}
