-- What may go over a network that costs money. Without a row in upload_rule the
-- default holds.
--
-- +goose Up

-- 1: goes over any network, because a person or the office wants it now.
ALTER TABLE blob ADD COLUMN anyhow INTEGER NOT NULL DEFAULT 0;

UPDATE blob SET anyhow = 1 WHERE place = 35; -- what the office has asked for before

CREATE TABLE upload_rule (
	id INTEGER PRIMARY KEY CHECK (id = 1),
	originals TEXT NOT NULL
) STRICT;
