-- The core: streams, logs, the ledger of batches, what became of each change,
-- the feed and who may see what. Every key begins with the centre.
--
-- Conventions, for this file and those after it: the same number, name, tables
-- and columns as SQLite's; BLOB is BYTEA, INTEGER is BIGINT (also for yes and
-- no: 0 and 1), TEXT is TEXT COLLATE "C", so that both engines order alike.
-- Every primary key begins with the centre, so that a table can be spread by
-- it and no key tells one centre what another has; no foreign keys; no serial
-- cursors: revs and places are given under the lock of the stream's row.
--
-- +goose Up

-- The server's own history: a new row after each restore from a backup.
CREATE TABLE history (
	id BYTEA PRIMARY KEY,
	started_at BIGINT NOT NULL,
	floor BIGINT NOT NULL -- the first rev of this history
);

-- One stream per centre, and one for headquarters. The row is the lock that
-- serialises a centre's revs.
CREATE TABLE stream (
	centre BYTEA PRIMARY KEY,
	headquarters BIGINT NOT NULL DEFAULT 0,
	pos BIGINT NOT NULL DEFAULT 0, -- last place given in the ledger
	rev BIGINT NOT NULL DEFAULT 0, -- last rev given
	hlc BIGINT NOT NULL DEFAULT 0, -- highest hybrid time seen, after the clamp
	office_device BYTEA NOT NULL,    -- identity of the office's own log
	office_epoch BYTEA NOT NULL
) WITH (fillfactor = 20); -- each batch rewrites its row

-- A log is (device, epoch). head is h(acked).
CREATE TABLE log (
	centre BYTEA NOT NULL,
	device BYTEA NOT NULL,
	epoch BYTEA NOT NULL,
	person BYTEA NOT NULL,
	acked BIGINT NOT NULL DEFAULT 0,
	head BYTEA NOT NULL,
	last_contact BIGINT NOT NULL DEFAULT 0,
	clock_offset BIGINT NOT NULL DEFAULT 0, -- device wall minus server, at the last push
	opened_pos BIGINT NOT NULL DEFAULT 0,   -- place in the stream of its first batch
	PRIMARY KEY (centre, device, epoch)
);

-- The ledger: each batch as it came, one row, never changed. body is the zstd
-- compressed CBOR array of the changes' byte strings; digests holds the first
-- eight bytes of each change's SHA-256, so that verify can name the one change
-- that was altered.
CREATE TABLE ledger (
	centre BYTEA NOT NULL,
	pos BIGINT NOT NULL,
	device BYTEA NOT NULL,
	epoch BYTEA NOT NULL,
	first BIGINT NOT NULL,
	last BIGINT NOT NULL,
	prev BYTEA NOT NULL,
	head BYTEA NOT NULL,
	signature BYTEA NOT NULL,
	boot BYTEA NOT NULL,
	mono BIGINT NOT NULL,
	wall BIGINT NOT NULL,
	received_at BIGINT NOT NULL,
	hq_rev BIGINT NOT NULL, -- headquarters' rev it was folded against
	rules BIGINT NOT NULL,  -- number of the merge rules that folded it
	digests BYTEA NOT NULL,
	body BYTEA NOT NULL,
	PRIMARY KEY (centre, pos)
);

CREATE INDEX ledger_log ON ledger (centre, device, epoch, last);

-- Which batches touched which job, so that a job's story is read without the
-- rest of the ledger.
CREATE TABLE ledger_root (
	centre BYTEA NOT NULL,
	root BYTEA NOT NULL,
	pos BIGINT NOT NULL,
	PRIMARY KEY (centre, root, pos)
);

-- What became of each change that was not plainly applied; never changes.
CREATE TABLE outcome (
	centre BYTEA NOT NULL,
	device BYTEA NOT NULL,
	epoch BYTEA NOT NULL,
	seq BIGINT NOT NULL,
	code TEXT COLLATE "C" NOT NULL,
	reason TEXT COLLATE "C" NOT NULL DEFAULT '',
	case_id BYTEA,
	PRIMARY KEY (centre, device, epoch, seq)
);

-- Changes held for a decision, and those behind them, until they are folded
-- at the decision's place. body is the change's bytes.
CREATE TABLE held (
	centre BYTEA NOT NULL,
	device BYTEA NOT NULL,
	epoch BYTEA NOT NULL,
	seq BIGINT NOT NULL,
	txn BIGINT NOT NULL,
	root BYTEA NOT NULL,
	case_id BYTEA NOT NULL,
	body BYTEA NOT NULL,
	received_at BIGINT NOT NULL,
	PRIMARY KEY (centre, device, epoch, seq)
);

CREATE INDEX held_root ON held (centre, root);

-- Matters for people: held changes, conflicts, merges worth a look, forks,
-- hand-overs, missing evidence. sides is JSON, see server/reconcile.Case.
CREATE TABLE case_file (
	centre BYTEA NOT NULL,
	id BYTEA NOT NULL,
	kind TEXT COLLATE "C" NOT NULL,   -- held, conflict, merged, fork, handover, clock, receipt
	root BYTEA NOT NULL,
	tbl TEXT COLLATE "C" NOT NULL DEFAULT '',
	row BYTEA,
	col TEXT COLLATE "C" NOT NULL DEFAULT '',
	blocking BIGINT NOT NULL, -- 1: the job is not complete while it is open
	opened_at BIGINT NOT NULL,
	opened_rev BIGINT NOT NULL,
	sides TEXT COLLATE "C" NOT NULL,
	state TEXT COLLATE "C" NOT NULL DEFAULT 'open', -- open, decided
	verdict TEXT COLLATE "C" NOT NULL DEFAULT '',
	decided_by BYTEA,
	decided_at BIGINT NOT NULL DEFAULT 0,
	reason TEXT COLLATE "C" NOT NULL DEFAULT '',
	PRIMARY KEY (centre, id)
);

CREATE INDEX case_file_queue ON case_file (centre, state, opened_at);
CREATE INDEX case_file_root ON case_file (centre, root, state);

-- Values that lost a merge: readable for ever with who, when and by which rule.
CREATE TABLE loser (
	centre BYTEA NOT NULL,
	tbl TEXT COLLATE "C" NOT NULL,
	row BYTEA NOT NULL,
	col TEXT COLLATE "C" NOT NULL,
	rev BIGINT NOT NULL, -- rev of the fold in which it lost
	rule TEXT COLLATE "C" NOT NULL,
	value TEXT COLLATE "C" NOT NULL,  -- JSON
	actor BYTEA NOT NULL,
	device BYTEA NOT NULL,
	epoch BYTEA NOT NULL,
	seq BIGINT NOT NULL,
	hlc BIGINT NOT NULL,
	wall BIGINT NOT NULL,
	PRIMARY KEY (centre, tbl, row, col, device, epoch, seq)
);

-- The feed: the latest rev of each row, once. Its key is the order of a pull
-- within a root.
CREATE TABLE feed (
	centre BYTEA NOT NULL,
	root BYTEA NOT NULL,
	rev BIGINT NOT NULL,
	tbl TEXT COLLATE "C" NOT NULL,
	row BYTEA NOT NULL,
	deleted BIGINT NOT NULL DEFAULT 0,
	PRIMARY KEY (centre, root, rev)
);

-- Count and checksum of a root's rows, kept up with each fold.
CREATE TABLE root (
	centre BYTEA NOT NULL,
	root BYTEA NOT NULL,
	kind TEXT COLLATE "C" NOT NULL, -- job, person, centre, office, headquarters
	rev BIGINT NOT NULL, -- last rev given under it
	rows BIGINT NOT NULL,
	sum BIGINT NOT NULL, -- modulo 2^64, as a signed number
	PRIMARY KEY (centre, root)
);

-- Whose phone sees which job: one row per crew membership, not a copy per row.
-- left_rev > joined_rev means that the person has left.
CREATE TABLE membership (
	centre BYTEA NOT NULL,
	person BYTEA NOT NULL,
	job BYTEA NOT NULL,
	joined_rev BIGINT NOT NULL,
	left_rev BIGINT NOT NULL DEFAULT 0,
	PRIMARY KEY (centre, person, job)
);

-- Which rows name which blob.
CREATE TABLE blob_ref (
	centre BYTEA NOT NULL,
	sha256 BYTEA NOT NULL,
	root BYTEA NOT NULL,
	tbl TEXT COLLATE "C" NOT NULL,
	row BYTEA NOT NULL,
	col TEXT COLLATE "C" NOT NULL,
	purpose TEXT COLLATE "C" NOT NULL,
	PRIMARY KEY (centre, sha256, root, tbl, row, col)
);

CREATE INDEX blob_ref_root ON blob_ref (centre, root);

-- Blobs that were read back and checked, by the server log's own entries.
CREATE TABLE blob_present (
	centre BYTEA NOT NULL,
	sha256 BYTEA NOT NULL,
	size BIGINT NOT NULL,
	rev BIGINT NOT NULL,
	PRIMARY KEY (centre, sha256)
);

-- Bytes kept outside any log: batches of a fork or of a revoked device.
CREATE TABLE quarantine (
	id BIGINT GENERATED BY DEFAULT AS IDENTITY,
	centre BYTEA NOT NULL,
	device BYTEA NOT NULL,
	epoch BYTEA NOT NULL,
	first BIGINT NOT NULL,
	code TEXT COLLATE "C" NOT NULL,
	received_at BIGINT NOT NULL,
	digest BYTEA NOT NULL,
	body BYTEA NOT NULL,
	PRIMARY KEY (centre, device, epoch, digest)
);
