-- 5,000 songs, 40 playlists, ten songs on each
INSERT INTO "Song" (isrc, title, artist, plays)
SELECT
  'DE' || lpad(n::text, 10, '0'),
  (ARRAY['Night', 'Blue', 'Slow', 'Golden', 'Last', 'Paper', 'Quiet'])[1 + n % 7] || ' '
    || (ARRAY['Train', 'River', 'Window', 'Summer', 'Letter', 'Harbour'])[1 + n % 6] || ' ' || n,
  (ARRAY['Ada Winter', 'The Lanterns', 'Ölrún', 'Kofi & the Tide', 'Marisol', 'Low Orbit', '北野', 'June O''Hara'])[1 + n % 8],
  (n * 7919) % 100000
FROM generate_series(1, 5000) AS n;

INSERT INTO "Playlist" (name) SELECT 'Mix ' || n FROM generate_series(1, 40) AS n;

INSERT INTO "_PlaylistToSong" ("A", "B")
SELECT p, 'DE' || lpad((p * 100 + s)::text, 10, '0') FROM generate_series(1, 40) AS p, generate_series(1, 10) AS s;

ANALYZE;
