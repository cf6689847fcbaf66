-- {{ title }}: {{ phase }}, contract. The old release is gone.
{% for line in acceptances %}
{{ line }}
{% endfor %}

{% if differs %}
DO $phase$
BEGIN
  PERFORM set_config('row_security', 'off', true); -- a policy that hides rows is an error
  IF EXISTS (SELECT FROM {{ table }} WHERE {{ differs }}) THEN
    RAISE EXCEPTION '{{ table_words }} has rows that are not carried over yet'
      USING HINT = 'prisma-safe backfill {{ name }} fills them, and names those that it cannot fill';
  END IF;
END
$phase$;
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
