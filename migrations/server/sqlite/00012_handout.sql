-- Links to a customer's copy of one visit. They are no part of the ledger: a
-- link shows what the visit's rows say when it is opened.
--
-- +goose Up

-- token is the SHA-256 of the link's secret: who reads the table can open
-- nothing. Losing the table means that links end.
CREATE TABLE handout (
	token BLOB PRIMARY KEY,
	id BLOB NOT NULL UNIQUE,
	centre BLOB NOT NULL,
	job BLOB NOT NULL,
	visit BLOB NOT NULL,
	made_by BLOB NOT NULL,
	made_at INTEGER NOT NULL, -- Unix milliseconds
	until INTEGER NOT NULL,
	revoked_at INTEGER NOT NULL DEFAULT 0,
	opened INTEGER NOT NULL DEFAULT 0, -- how often
	opened_at INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE INDEX handout_visit ON handout (centre, visit, made_at);
