-- {{ title }}: phase 2, contract. The old release is gone.
{% for line in acceptances %}
{{ line }}
{% endfor %}

DROP VIEW {{ view }};
