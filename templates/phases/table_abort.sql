-- {{ title }}: aborted. Only names change.
{% for line in acceptances %}
{{ line }}
{% endfor %}

DROP VIEW {{ view }};
{{ rename }}
{% for line in names %}
{{ line }}
{% endfor %}
