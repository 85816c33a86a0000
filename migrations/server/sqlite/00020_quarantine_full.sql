-- What could not be set aside, as a phone's share of the quarantine was full:
-- how much, so that somebody asks for that phone. The bytes are on the phone
-- alone.
--
-- +goose Up

CREATE TABLE quarantine_full (
	centre BLOB NOT NULL,
	device BLOB NOT NULL,
	batches INTEGER NOT NULL, -- offers that were turned away; the same batch may come again
	bytes INTEGER NOT NULL, -- of the largest of them, as it would have been stored
	code TEXT NOT NULL, -- of the last
	first_at INTEGER NOT NULL, -- Unix milliseconds
	last_at INTEGER NOT NULL,
	PRIMARY KEY (centre, device)
) STRICT, WITHOUT ROWID;
