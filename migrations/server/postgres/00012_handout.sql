-- Links to a customer's copy of one visit. They are no part of the ledger: a
-- link shows what the visit's rows say when it is opened.
--
-- +goose Up

-- token is the SHA-256 of the link's secret: who reads the table can open
-- nothing. Losing the table means that links end.
CREATE TABLE handout (
	token BYTEA PRIMARY KEY,
	id BYTEA NOT NULL UNIQUE,
	centre BYTEA NOT NULL,
	job BYTEA NOT NULL,
	visit BYTEA NOT NULL,
	made_by BYTEA NOT NULL,
	made_at BIGINT NOT NULL, -- Unix milliseconds
	until BIGINT NOT NULL,
	revoked_at BIGINT NOT NULL DEFAULT 0,
	opened BIGINT NOT NULL DEFAULT 0, -- how often
	opened_at BIGINT NOT NULL DEFAULT 0
);

CREATE INDEX handout_visit ON handout (centre, visit, made_at);
