-- What verified photos look like, so that the same picture in two places is
-- noticed (threat T8). Headquarters' tables: they hold photos of all centres,
-- and no screen of a centre reads what they say of another one. They follow
-- from the stored photos: losing them means that all photos are looked at again.
--
-- +goose Up

-- One verified original of a centre, looked at once.
CREATE TABLE photo_look (
	centre BLOB NOT NULL,
	sha256 BLOB NOT NULL,
	state TEXT NOT NULL, -- seen, plain, paper, common, format, large, damaged, absent
	looked_at INTEGER NOT NULL,
	sketch BLOB, -- a kilobyte of grey values and colours; NULL where nothing could be seen
	PRIMARY KEY (centre, sha256)
) STRICT, WITHOUT ROWID;

-- The same bytes in another centre.
CREATE INDEX photo_look_sha256 ON photo_look (sha256, centre);

-- The few numbers under which a look is found again, whatever the number of
-- photos: pictures that have none in common are not compared.
CREATE TABLE photo_look_key (
	centre BLOB NOT NULL,
	sha256 BLOB NOT NULL,
	key INTEGER NOT NULL,
	PRIMARY KEY (centre, sha256, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX photo_look_key_of ON photo_look_key (key, centre, sha256);

-- Two photos that look alike, once for each of them.
CREATE TABLE photo_alike (
	centre BLOB NOT NULL,
	sha256 BLOB NOT NULL,
	other_centre BLOB NOT NULL,
	other_sha256 BLOB NOT NULL,
	distance INTEGER NOT NULL,
	turned INTEGER NOT NULL,
	cropped INTEGER NOT NULL,
	PRIMARY KEY (centre, sha256, other_centre, other_sha256)
) STRICT, WITHOUT ROWID;

-- How far the stored photos of a centre have been looked at, and by which
-- version of the looking: a later one begins anew.
CREATE TABLE photo_look_until (
	centre BLOB NOT NULL,
	version INTEGER NOT NULL,
	rev INTEGER NOT NULL,
	id BLOB NOT NULL,
	PRIMARY KEY (centre)
) STRICT, WITHOUT ROWID;

CREATE INDEX state_stored_blob_rev ON state_stored_blob (centre, rev, id);
