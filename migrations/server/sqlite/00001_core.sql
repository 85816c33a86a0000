-- The core: streams, logs, the ledger of batches, what became of each change,
-- the feed and who may see what. Every key begins with the centre.
--
-- +goose Up

-- The server's own history: a new row after each restore from a backup.
CREATE TABLE history (
	id BLOB PRIMARY KEY,
	started_at INTEGER NOT NULL,
	floor INTEGER NOT NULL -- the first rev of this history
) STRICT;

-- One stream per centre, and one for headquarters. The row is the lock that
-- serialises a centre's revs.
CREATE TABLE stream (
	centre BLOB PRIMARY KEY,
	headquarters INTEGER NOT NULL DEFAULT 0,
	pos INTEGER NOT NULL DEFAULT 0, -- last place given in the ledger
	rev INTEGER NOT NULL DEFAULT 0, -- last rev given
	hlc INTEGER NOT NULL DEFAULT 0, -- highest hybrid time seen, after the clamp
	office_device BLOB NOT NULL,    -- identity of the office's own log
	office_epoch BLOB NOT NULL
) STRICT;

-- A log is (device, epoch). head is h(acked).
CREATE TABLE log (
	centre BLOB NOT NULL,
	device BLOB NOT NULL,
	epoch BLOB NOT NULL,
	person BLOB NOT NULL,
	acked INTEGER NOT NULL DEFAULT 0,
	head BLOB NOT NULL,
	last_contact INTEGER NOT NULL DEFAULT 0,
	clock_offset INTEGER NOT NULL DEFAULT 0, -- device wall minus server, at the last push
	opened_pos INTEGER NOT NULL DEFAULT 0,   -- place in the stream of its first batch
	PRIMARY KEY (centre, device, epoch)
) STRICT, WITHOUT ROWID;

-- The ledger: each batch as it came, one row, never changed. body is the zstd
-- compressed CBOR array of the changes' byte strings; digests holds the first
-- eight bytes of each change's SHA-256, so that verify can name the one change
-- that was altered.
CREATE TABLE ledger (
	centre BLOB NOT NULL,
	pos INTEGER NOT NULL,
	device BLOB NOT NULL,
	epoch BLOB NOT NULL,
	first INTEGER NOT NULL,
	last INTEGER NOT NULL,
	prev BLOB NOT NULL,
	head BLOB NOT NULL,
	signature BLOB NOT NULL,
	boot BLOB NOT NULL,
	mono INTEGER NOT NULL,
	wall INTEGER NOT NULL,
	received_at INTEGER NOT NULL,
	hq_rev INTEGER NOT NULL, -- headquarters' rev it was folded against
	rules INTEGER NOT NULL,  -- number of the merge rules that folded it
	digests BLOB NOT NULL,
	body BLOB NOT NULL,
	PRIMARY KEY (centre, pos)
) STRICT;

CREATE INDEX ledger_log ON ledger (centre, device, epoch, last);

-- Which batches touched which job, so that a job's story is read without the
-- rest of the ledger.
CREATE TABLE ledger_root (
	centre BLOB NOT NULL,
	root BLOB NOT NULL,
	pos INTEGER NOT NULL,
	PRIMARY KEY (centre, root, pos)
) STRICT, WITHOUT ROWID;

-- What became of each change that was not plainly applied; never changes.
CREATE TABLE outcome (
	centre BLOB NOT NULL,
	device BLOB NOT NULL,
	epoch BLOB NOT NULL,
	seq INTEGER NOT NULL,
	code TEXT NOT NULL,
	reason TEXT NOT NULL DEFAULT '',
	case_id BLOB,
	PRIMARY KEY (centre, device, epoch, seq)
) STRICT, WITHOUT ROWID;

-- Changes held for a decision, and those behind them, until they are folded
-- at the decision's place. body is the change's bytes.
CREATE TABLE held (
	centre BLOB NOT NULL,
	device BLOB NOT NULL,
	epoch BLOB NOT NULL,
	seq INTEGER NOT NULL,
	txn INTEGER NOT NULL,
	root BLOB NOT NULL,
	case_id BLOB NOT NULL,
	body BLOB NOT NULL,
	received_at INTEGER NOT NULL,
	PRIMARY KEY (centre, device, epoch, seq)
) STRICT, WITHOUT ROWID;

CREATE INDEX held_root ON held (centre, root);

-- Matters for people: held changes, conflicts, merges worth a look, forks,
-- hand-overs, missing evidence. sides is JSON, see server/reconcile.Case.
CREATE TABLE case_file (
	centre BLOB NOT NULL,
	id BLOB NOT NULL,
	kind TEXT NOT NULL,   -- held, conflict, merged, fork, handover, clock, receipt
	root BLOB NOT NULL,
	tbl TEXT NOT NULL DEFAULT '',
	row BLOB,
	col TEXT NOT NULL DEFAULT '',
	blocking INTEGER NOT NULL, -- 1: the job is not complete while it is open
	opened_at INTEGER NOT NULL,
	opened_rev INTEGER NOT NULL,
	sides TEXT NOT NULL,
	state TEXT NOT NULL DEFAULT 'open', -- open, decided
	verdict TEXT NOT NULL DEFAULT '',
	decided_by BLOB,
	decided_at INTEGER NOT NULL DEFAULT 0,
	reason TEXT NOT NULL DEFAULT '',
	PRIMARY KEY (centre, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX case_file_queue ON case_file (centre, state, opened_at);
CREATE INDEX case_file_root ON case_file (centre, root, state);

-- Values that lost a merge: readable for ever with who, when and by which rule.
CREATE TABLE loser (
	centre BLOB NOT NULL,
	tbl TEXT NOT NULL,
	row BLOB NOT NULL,
	col TEXT NOT NULL,
	rev INTEGER NOT NULL, -- rev of the fold in which it lost
	rule TEXT NOT NULL,
	value TEXT NOT NULL,  -- JSON
	actor BLOB NOT NULL,
	device BLOB NOT NULL,
	epoch BLOB NOT NULL,
	seq INTEGER NOT NULL,
	hlc INTEGER NOT NULL,
	wall INTEGER NOT NULL,
	PRIMARY KEY (centre, tbl, row, col, device, epoch, seq)
) STRICT, WITHOUT ROWID;

-- The feed: the latest rev of each row, once. Its key is the order of a pull
-- within a root.
CREATE TABLE feed (
	centre BLOB NOT NULL,
	root BLOB NOT NULL,
	rev INTEGER NOT NULL,
	tbl TEXT NOT NULL,
	row BLOB NOT NULL,
	deleted INTEGER NOT NULL DEFAULT 0,
	PRIMARY KEY (centre, root, rev)
) STRICT, WITHOUT ROWID;

-- Count and checksum of a root's rows, kept up with each fold.
CREATE TABLE root (
	centre BLOB NOT NULL,
	root BLOB NOT NULL,
	kind TEXT NOT NULL, -- job, person, centre, office, headquarters
	rev INTEGER NOT NULL, -- last rev given under it
	rows INTEGER NOT NULL,
	sum INTEGER NOT NULL, -- modulo 2^64, as a signed number
	PRIMARY KEY (centre, root)
) STRICT, WITHOUT ROWID;

-- Whose phone sees which job: one row per crew membership, not a copy per row.
-- left_rev > joined_rev means that the person has left.
CREATE TABLE membership (
	centre BLOB NOT NULL,
	person BLOB NOT NULL,
	job BLOB NOT NULL,
	joined_rev INTEGER NOT NULL,
	left_rev INTEGER NOT NULL DEFAULT 0,
	PRIMARY KEY (centre, person, job)
) STRICT, WITHOUT ROWID;

-- Which rows name which blob.
CREATE TABLE blob_ref (
	centre BLOB NOT NULL,
	sha256 BLOB NOT NULL,
	root BLOB NOT NULL,
	tbl TEXT NOT NULL,
	row BLOB NOT NULL,
	col TEXT NOT NULL,
	purpose TEXT NOT NULL,
	PRIMARY KEY (centre, sha256, root, tbl, row, col)
) STRICT, WITHOUT ROWID;

CREATE INDEX blob_ref_root ON blob_ref (centre, root);

-- Blobs that were read back and checked, by the server log's own entries.
CREATE TABLE blob_present (
	centre BLOB NOT NULL,
	sha256 BLOB NOT NULL,
	size INTEGER NOT NULL,
	rev INTEGER NOT NULL,
	PRIMARY KEY (centre, sha256)
) STRICT, WITHOUT ROWID;

-- Bytes kept outside any log: batches of a fork or of a revoked device.
CREATE TABLE quarantine (
	id INTEGER PRIMARY KEY,
	centre BLOB NOT NULL,
	device BLOB NOT NULL,
	epoch BLOB NOT NULL,
	first INTEGER NOT NULL,
	code TEXT NOT NULL,
	received_at INTEGER NOT NULL,
	digest BLOB NOT NULL,
	body BLOB NOT NULL,
	UNIQUE (centre, device, epoch, digest)
) STRICT;
