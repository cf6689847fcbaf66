-- {{ title }}: phase 2, backfill. `prisma-safe backfill {{ name }}` has filled large tables in batches before; what is left is filled
-- here, and more than {{ limit }} rows are refused: they would hold their locks for too long.
{% for line in acceptances %}
{{ line }}
{% endfor %}

DO $phase$
BEGIN
  PERFORM set_config('row_security', 'off', true); -- a policy that hides rows is an error
  IF (SELECT count(*) FROM (SELECT FROM {{ table }} WHERE {{ unfilled }} LIMIT {{ limit + 1 }}) AS rest) > {{ limit }} THEN
    RAISE EXCEPTION '{{ table_words }} has more than {{ limit }} rows to fill'
      USING HINT = 'fill them in batches first: prisma-safe backfill {{ name }}';
  END IF;
END
$phase$;
UPDATE {{ table }} SET {{ set }} WHERE {{ unfilled }};
{% if late_check %}

-- What is written from now on has a value; the contract validates it.
{% for side in targets if side.required %}
ALTER TABLE {{ table }} ADD CONSTRAINT {{ side.check }} CHECK ({{ side.name }} IS NOT NULL) NOT VALID;
{% endfor %}
{% endif %}
