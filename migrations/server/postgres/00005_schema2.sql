-- Schema version 2: how sharp and how bright a photo is, and why a poor one was
-- kept. Each batch of the ledger and each stream now name the version of the
-- schema that folds: what was written before was folded with version 1.
--
-- +goose Up

ALTER TABLE state_photo ADD COLUMN "sharpness" BIGINT;
ALTER TABLE state_photo ADD COLUMN "exposure" BIGINT;
ALTER TABLE state_photo ADD COLUMN "kept_reason" TEXT COLLATE "C";

ALTER TABLE ledger ADD COLUMN schema BIGINT NOT NULL DEFAULT 1; -- version that folded the batch
ALTER TABLE stream ADD COLUMN schema BIGINT NOT NULL DEFAULT 1; -- version that folds the next one

-- The part of a root's count and checksum that readers of an earlier version do
-- not see: the rows of tables that came with a version. Tables of version 1
-- have none.
CREATE TABLE root_later (
	centre BYTEA NOT NULL,
	root BYTEA NOT NULL,
	since BIGINT NOT NULL, -- version that the tables came with
	rows BIGINT NOT NULL,
	sum BIGINT NOT NULL,   -- modulo 2^64, as a signed number
	PRIMARY KEY (centre, root, since)
);
