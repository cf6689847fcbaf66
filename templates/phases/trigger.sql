{% if kind == "drop" %}
-- Notes when the old release last wrote {{ column }}, for the contract's gate.
{% elif kind == "require" %}
-- Fills what the old release leaves empty. It changes the row before it is stored, so it never causes another write.
{% else %}
-- Keeps both columns equal, whichever release writes. It changes the row before it is stored, so no write causes another one,
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
  _wrote_old := NEW.{{ old }} IS NULL AND (TG_OP = 'INSERT' OR OLD.{{ old }} IS NOT NULL);
  IF NEW.{{ old }} IS NULL THEN
    NEW.{{ old }} := {{ forward }};
  END IF;
{% elif kind == "drop" %}
  IF TG_OP = 'INSERT' THEN
    _wrote_old := ROW(NEW.{{ old }})::record *<> ROW(CAST({{ old_default }} AS {{ old_type }}))::record;
  ELSE
    _wrote_old := ROW(NEW.{{ old }})::record *<> ROW(OLD.{{ old }})::record;
  END IF;
{% else %}
  -- a side was written where it is not what it would be by itself; compared by image, so that 1.0 and 1.00 differ
  IF TG_OP = 'INSERT' THEN
    _wrote_old := ROW(NEW.{{ old }})::record *<> ROW(CAST({{ old_default }} AS {{ old_type }}))::record;
    _wrote_new := ROW(NEW.{{ new }})::record *<> ROW(CAST({{ new_default }} AS {{ new_type }}))::record;
  ELSE
    _wrote_old := ROW(NEW.{{ old }})::record *<> ROW(OLD.{{ old }})::record;
    _wrote_new := ROW(NEW.{{ new }})::record *<> ROW(OLD.{{ new }})::record;
  END IF;
  IF _wrote_new THEN
{% if fallible %}
    BEGIN
      _agree := ROW({{ forward }})::record *= ROW(NEW.{{ new }})::record;
    EXCEPTION WHEN OTHERS THEN
      _agree := false; -- the old value does not convert, and goes
    END;
{% else %}
    _agree := ROW({{ forward }})::record *= ROW(NEW.{{ new }})::record;
{% endif %}
    IF _agree THEN
      RETURN NEW;
    END IF;
    NEW.{{ old }} := {{ back }};
    RETURN NEW;
  END IF;
  IF _wrote_old OR TG_OP = 'INSERT' THEN
    NEW.{{ new }} := {{ forward }};
  ELSIF NEW.{{ new }} IS NULL THEN
{% if fallible %}
    BEGIN
      NEW.{{ new }} := {{ forward }};
    EXCEPTION WHEN OTHERS THEN
      NULL; -- it was there before: the backfill names it
    END;
{% else %}
    NEW.{{ new }} := {{ forward }};
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
