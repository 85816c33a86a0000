-- Work that one server of several does: who does it, and until when it is his.
--
-- +goose Up

-- Times are the database's own: the servers' clocks do not matter. Losing the
-- table means that something is done twice, nothing else.
CREATE TABLE lease (
	centre BYTEA NOT NULL, -- zero for work that is no centre's
	name TEXT COLLATE "C" NOT NULL,
	holder BYTEA NOT NULL, -- the start of a server
	until BIGINT NOT NULL, -- Unix milliseconds
	PRIMARY KEY (centre, name)
);
