{% if kind == "drop" %}
-- Notes when the old release last wrote {{ columns }}, for the contract's gate.
{% elif kind == "require" %}
-- Fills what the old release leaves empty. It changes the row before it is stored, so it never causes another write.
{% else %}
-- Keeps both sides equal, whichever release writes. It changes the row before it is stored, so no write causes another one,
-- and a row in which both agree is left alone: that is its guard against loops. Its name sorts last, so that it sees what other
-- triggers made of the row.
{% endif %}
CREATE SEQUENCE {{ sequence }};
CREATE FUNCTION {{ function }}() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $phase$
#variable_conflict use_column
DECLARE
  _wrote_old boolean;
  _now bigint := floor(extract(epoch FROM clock_timestamp()));
{% if new %}
  _wrote_new boolean;
  _agree boolean := false;
{% endif %}
BEGIN
{% if kind == "require" %}
  _wrote_old := {{ old_empty }} AND (TG_OP = 'INSERT' OR {{ old_was_given }});
  IF {{ old_empty }} THEN
    {{ carry }}
  END IF;
{% elif kind == "drop" %}
  IF TG_OP = 'INSERT' THEN
    _wrote_old := ROW({{ old_in_new }})::record *<> ROW({{ old_defaults }})::record;
  ELSE
    _wrote_old := ROW({{ old_in_new }})::record *<> ROW({{ old_in_old }})::record;
  END IF;
{% else %}
  -- a side was written where it is not what it would be by itself; compared by image, so that 1.0 and 1.00 differ
  IF TG_OP = 'INSERT' THEN
    _wrote_old := ROW({{ old_in_new }})::record *<> ROW({{ old_defaults }})::record;
    _wrote_new := ROW({{ new_in_new }})::record *<> ROW({{ new_defaults }})::record;
  ELSE
    _wrote_old := ROW({{ old_in_new }})::record *<> ROW({{ old_in_old }})::record;
    _wrote_new := ROW({{ new_in_new }})::record *<> ROW({{ new_in_old }})::record;
  END IF;
  IF _wrote_new THEN
{% if new | length > 1 %}
    IF TG_OP = 'UPDATE' AND {{ new_was_empty }} THEN
      -- the row is not carried over yet: what this write leaves out is what the old side says
      {{ complete }}
    END IF;
{% endif %}
{% if fallible %}
    BEGIN
      _agree := ROW({{ new_values }})::record *= ROW({{ new_in_new }})::record;
    EXCEPTION WHEN OTHERS THEN
      _agree := false; -- the old value does not convert, and goes
    END;
{% else %}
    _agree := ROW({{ new_values }})::record *= ROW({{ new_in_new }})::record;
{% endif %}
    IF _agree THEN
      RETURN NEW;
    END IF;
    {{ carry_back }}
    RETURN NEW;
  END IF;
  IF _wrote_old OR TG_OP = 'INSERT' THEN
    {{ carry }}
{% if keeps_all %}
    IF ROW({{ old_in_new }})::record *<> ROW({{ old_values }})::record THEN
      -- what the new side does not give back would go with the old one
      RAISE EXCEPTION '{{ new_words }} would not give back what was written to {{ old_words }}' USING ERRCODE = 'check_violation';
    END IF;
{% endif %}
  ELSIF {{ new_empty }} THEN
{% if fallible %}
    BEGIN
      {{ carry }}
    EXCEPTION WHEN OTHERS THEN
      NULL; -- it was there before: the backfill names it
    END;
{% else %}
    {{ carry }}
{% endif %}
  END IF;
{% endif %}
  -- the last write of the old release, to the second: a sequence takes it without a lock
  IF _wrote_old AND (SELECT seen.last_value FROM {{ sequence }} AS seen) < _now THEN
    PERFORM setval('{{ sequence_literal }}', _now);
  END IF;
  RETURN NEW;
END
$phase$;
CREATE TRIGGER {{ trigger }} BEFORE INSERT OR UPDATE ON {{ table }}
FOR EACH ROW EXECUTE FUNCTION {{ function }}();
