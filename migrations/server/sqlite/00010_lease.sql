-- Work that one server of several does: who does it, and until when it is his.
--
-- +goose Up

-- Times are the database's own: the servers' clocks do not matter. Losing the
-- table means that something is done twice, nothing else.
CREATE TABLE lease (
	centre BLOB NOT NULL, -- zero for work that is no centre's
	name TEXT NOT NULL,
	holder BLOB NOT NULL, -- the start of a server
	until INTEGER NOT NULL, -- Unix milliseconds
	PRIMARY KEY (centre, name)
) STRICT, WITHOUT ROWID;
