-- {{ title }}: phase 1, expand. The plan, with the SQL of the later phases: {{ plan }}
{% for line in acceptances %}
{{ line }}
{% endfor %}

{% if subscribers is not none %}
-- Publications send its rows under the new name from here on: {{ subscribers }}
{% endif %}
{{ rename }}
{% for line in names %}
{{ line }}
{% endfor %}
{% if invoker %}
-- The old release goes on under the old name: PostgreSQL reads and writes the table through a view like this one. What everyone may
-- do with the view they may do only as far as the table's own rights and policies let them: those of who asks, from PostgreSQL 15 on.
CREATE VIEW {{ view }} WITH (security_invoker = true) AS SELECT * FROM {{ new_table }};
GRANT SELECT, INSERT, UPDATE, DELETE ON {{ view }} TO PUBLIC;
{% else %}
-- The old release goes on under the old name: PostgreSQL reads and writes the table through a view like this one.
CREATE VIEW {{ view }} AS SELECT * FROM {{ new_table }};
{{ grants_sql }}
{% endif %}
