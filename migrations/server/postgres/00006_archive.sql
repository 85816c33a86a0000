-- What a restore from a backup leaves behind, and how far the ledger has been
-- shipped to the bucket.
--
-- +goose Up

-- The restores of a stream, oldest first, as JSON [{"last":…,"floor":…}]: revs
-- went on from floor, a base between the two counts as last. It follows from
-- the server's own entries in the ledger, as rev does.
ALTER TABLE stream ADD COLUMN cuts TEXT COLLATE "C" NOT NULL DEFAULT '';

-- How far a stream's ledger lies in the bucket, at least: written now and
-- then. Losing it costs reading some objects again, nothing else.
CREATE TABLE shipped (
	centre BYTEA NOT NULL,
	history BYTEA NOT NULL,
	pos BIGINT NOT NULL,
	PRIMARY KEY (centre, history)
);
