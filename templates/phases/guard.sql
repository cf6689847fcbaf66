DO $phase$
BEGIN
  PERFORM set_config('row_security', 'off', true); -- a policy that hides rows is an error
{% if lost_guard %}
  IF EXISTS (SELECT FROM {{ table }} WHERE {{ lost }}) THEN
    RAISE EXCEPTION '{{ table_words }} has rows whose new values {{ old_words }} does not have'
      USING HINT = 'write the old side of these rows, then deploy again';
{% elif keeps_all %}
  IF EXISTS (SELECT FROM {{ table }} WHERE {{ differs }}) THEN
    RAISE EXCEPTION '{{ table_words }} has rows whose values {{ new_words }} would not give back'
      USING HINT = 'prisma-safe backfill {{ name }} fills rows that are empty; write the new columns of the others';
{% else %}
  IF EXISTS (SELECT FROM {{ table }} WHERE {{ differs }}) THEN
    RAISE EXCEPTION '{{ table_words }} has rows that are not carried over yet'
      USING HINT = 'prisma-safe backfill {{ name }} fills them, and names those that it cannot fill';
{% endif %}
  END IF;
END
$phase$;
