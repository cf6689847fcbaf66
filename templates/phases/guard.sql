DO $phase$
BEGIN
  PERFORM set_config('row_security', 'off', true); -- a policy that hides rows is an error
{% if lost_guard %}
  IF EXISTS (SELECT FROM {{ table }} WHERE {{ lost }}) THEN
    RAISE EXCEPTION '{{ table_words }} has rows whose new value the old column does not have'
      USING HINT = 'write the old column of these rows, then deploy again';
{% else %}
  IF EXISTS (SELECT FROM {{ table }} WHERE {{ differs }}) THEN
    RAISE EXCEPTION '{{ table_words }} has rows that are not carried over yet'
      USING HINT = 'prisma-safe backfill {{ name }} fills them, and names those that it cannot fill';
{% endif %}
  END IF;
END
$phase$;
