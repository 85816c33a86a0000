-- What could not be set aside, as a phone's share of the quarantine was full:
-- how much, so that somebody asks for that phone. The bytes are on the phone
-- alone.
--
-- +goose Up

CREATE TABLE quarantine_full (
	centre BYTEA NOT NULL,
	device BYTEA NOT NULL,
	batches BIGINT NOT NULL, -- offers that were turned away; the same batch may come again
	bytes BIGINT NOT NULL, -- of the largest of them, as it would have been stored
	code TEXT COLLATE "C" NOT NULL, -- of the last
	first_at BIGINT NOT NULL, -- Unix milliseconds
	last_at BIGINT NOT NULL,
	PRIMARY KEY (centre, device)
);
