-- case: the order of the models changes
-- migration
ALTER TABLE "Playlist" RENAME TO "Tracklist";
ALTER TABLE "_PlaylistToSong" RENAME TO "_SongToTracklist";
-- expect: warning breaking-rename(Playlist)
-- expect: error many-to-many-swap(_SongToTracklist)
-- expect: warning breaking-rename(_PlaylistToSong)

-- case: the columns follow
-- migration
ALTER TABLE "Playlist" RENAME TO "Tracklist";
ALTER TABLE "_PlaylistToSong" RENAME TO "_SongToTracklist";
ALTER TABLE "_SongToTracklist" RENAME COLUMN "A" TO "C";
ALTER TABLE "_SongToTracklist" RENAME COLUMN "B" TO "A";
ALTER TABLE "_SongToTracklist" RENAME COLUMN "C" TO "B";
-- expect: warning breaking-rename(Playlist)
-- expect: warning breaking-rename(_PlaylistToSong)

-- case: the order stays
-- migration
ALTER TABLE "Playlist" RENAME TO "Mix";
ALTER TABLE "_PlaylistToSong" RENAME TO "_MixToSong";
-- expect: warning breaking-rename(Playlist)
-- expect: warning breaking-rename(_PlaylistToSong)

-- case: a named relation, where the models' names only hint
-- before
CREATE TABLE "_Favourites" ("A" TEXT NOT NULL, "B" INTEGER NOT NULL);
ALTER TABLE "_Favourites" ADD CONSTRAINT "_Favourites_A_fkey" FOREIGN KEY ("A") REFERENCES "Playlist"("id");
ALTER TABLE "_Favourites" ADD CONSTRAINT "_Favourites_B_fkey" FOREIGN KEY ("B") REFERENCES "User"("id");
-- migration
ALTER TABLE "Playlist" RENAME TO "Weeklist";
-- expect: warning breaking-rename(Playlist)
-- expect: warning many-to-many-swap(_Favourites)
-- expect: warning many-to-many-swap(_PlaylistToSong)
