-- The phone's own books: who it is, its log, what the server told it, and its
-- photos. The tables of the app (app_…) are in the next migration.
--
-- +goose Up

-- Who this phone is. One row once enrolled; none before and after a sign-out.
CREATE TABLE identity (
	id INTEGER PRIMARY KEY CHECK (id = 1),
	device BLOB NOT NULL,
	person BLOB NOT NULL,
	centre BLOB NOT NULL,
	history BLOB NOT NULL,
	server TEXT NOT NULL,
	server_schema INTEGER NOT NULL,
	access_token TEXT NOT NULL,
	access_expires INTEGER NOT NULL, -- Unix milliseconds by this phone's clock
	refresh_token TEXT NOT NULL,
	enrolled_at INTEGER NOT NULL
) STRICT;

-- Files to remove after a sign-out; the row survives a crash in between.
CREATE TABLE wiping (
	id INTEGER PRIMARY KEY CHECK (id = 1),
	at INTEGER NOT NULL
) STRICT;

-- The keys that the server signs with. Old ones are kept: receipts name them.
CREATE TABLE server_key (
	kid TEXT PRIMARY KEY,
	public_key BLOB NOT NULL,
	added_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The hybrid logical clock and what is known of the server's time.
--
--   hlc          the highest timestamp issued or received, as its 64 bits
--   offset_ms    server time minus phone time, as last measured
--   server_time  the latest server time seen; only ever rises
CREATE TABLE clock (
	id INTEGER PRIMARY KEY CHECK (id = 1),
	hlc INTEGER NOT NULL,
	offset_ms INTEGER NOT NULL,
	server_time INTEGER NOT NULL
) STRICT;

INSERT INTO clock (id, hlc, offset_ms, server_time) VALUES (1, 0, 0, 0);

-- One log of this device. ord rises: the last one is open, the others ended in
-- a fork at ended (the last number that the server shares).
--
--   acked        the server has changes 1..acked on its disk
--   pruned       changes 1..pruned were removed here after 35 days;
--   pruned_head  is h(pruned), so that the chain can go on
--   send_from    send from here next, instead of acked + 1; 0 for not
--   verify       1: ask the server whether it still has the log's end
--   forked       1: a fork was answered once; step widens the search below
--   max_changes  changes in a batch, halved when the server finds it too large
CREATE TABLE epoch (
	epoch BLOB PRIMARY KEY,
	ord INTEGER NOT NULL UNIQUE,
	ended INTEGER,
	acked INTEGER NOT NULL DEFAULT 0,
	pruned INTEGER NOT NULL DEFAULT 0,
	pruned_head BLOB NOT NULL,
	send_from INTEGER NOT NULL DEFAULT 0,
	verify INTEGER NOT NULL DEFAULT 0,
	forked INTEGER NOT NULL DEFAULT 0,
	step INTEGER NOT NULL DEFAULT 0,
	max_changes INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

-- The log: each change as its bytes, with its place in the chain. The columns
-- beside bytes are copies of what is in them, for finding, or what came later.
--
--   state        pending: not acknowledged; acked: on the server's disk;
--                held: a person decides; denied, refused: without effect;
--                confirmed: in the feed's rows; moved: re-recorded in a later log
--   head_*       on the last change of a transaction: the signature of the head
--                at its commit, for a rescue from a dead phone
--   acked_at     server time of the acknowledgement
CREATE TABLE change (
	epoch BLOB NOT NULL REFERENCES epoch (epoch),
	seq INTEGER NOT NULL,
	txn INTEGER NOT NULL,
	last INTEGER NOT NULL,
	tbl TEXT NOT NULL,
	row BLOB NOT NULL,
	root BLOB NOT NULL,
	op INTEGER NOT NULL,
	wall INTEGER NOT NULL,
	bytes BLOB NOT NULL,
	digest BLOB NOT NULL,
	hash BLOB NOT NULL,
	head_signature BLOB,
	head_boot BLOB,
	head_mono INTEGER,
	head_wall INTEGER,
	state TEXT NOT NULL DEFAULT 'pending',
	outcome TEXT NOT NULL DEFAULT '',
	reason TEXT NOT NULL DEFAULT '',
	case_id BLOB,
	settled INTEGER NOT NULL DEFAULT 0, -- 1: a person has decided its conflict
	acked_at INTEGER,
	PRIMARY KEY (epoch, seq)
) STRICT, WITHOUT ROWID;

CREATE INDEX change_row ON change (tbl, row);

CREATE INDEX change_state ON change (state);

-- The server's signed word that it has the log up to acked. verified is 0 while
-- the key that signed it is not known yet.
CREATE TABLE log_receipt (
	epoch BLOB NOT NULL,
	acked INTEGER NOT NULL,
	history BLOB NOT NULL,
	jws TEXT NOT NULL,
	verified INTEGER NOT NULL,
	PRIMARY KEY (epoch, acked, history)
) STRICT, WITHOUT ROWID;

-- Receipt numbers leased to this device (FP-03). used is the last one taken.
CREATE TABLE receipt_range (
	prefix TEXT NOT NULL,
	first INTEGER NOT NULL,
	last INTEGER NOT NULL,
	used INTEGER NOT NULL DEFAULT 0,
	void INTEGER NOT NULL DEFAULT 0,
	leased_at INTEGER NOT NULL,
	PRIMARY KEY (prefix, first)
) STRICT, WITHOUT ROWID;

-- How far the feed was taken over.
--
--   cursor        of the rows that the app shows; empty for none yet
--   stage_cursor  of the staged pages behind it; staging says which kind
--   repaired      how many repairs in a row did not help
CREATE TABLE feed (
	id INTEGER PRIMARY KEY CHECK (id = 1),
	cursor TEXT NOT NULL,
	staging TEXT NOT NULL,
	stage_cursor TEXT NOT NULL,
	repaired INTEGER NOT NULL DEFAULT 0
) STRICT;

INSERT INTO feed (id, cursor, staging, stage_cursor) VALUES (1, '', '', '');

-- Pages that arrived and are not shown yet.
CREATE TABLE stage_row (
	tbl TEXT NOT NULL,
	row BLOB NOT NULL,
	root BLOB NOT NULL,
	rev INTEGER NOT NULL,
	cols BLOB NOT NULL,
	PRIMARY KEY (tbl, row)
) STRICT, WITHOUT ROWID;

CREATE INDEX stage_row_root ON stage_row (root);

-- A removed row (tbl and row) or a removed root (tbl empty).
CREATE TABLE stage_removed (
	tbl TEXT NOT NULL,
	id BLOB NOT NULL,
	why TEXT NOT NULL,
	PRIMARY KEY (tbl, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE stage_instruction (
	id BLOB PRIMARY KEY,
	kind TEXT NOT NULL,
	args TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- What the feed said of rows that also have unconfirmed changes of mine. gone is
-- 1 when the row left: its columns stay only to lay mine on.
CREATE TABLE base (
	tbl TEXT NOT NULL,
	row BLOB NOT NULL,
	root BLOB NOT NULL,
	rev INTEGER NOT NULL,
	gone INTEGER NOT NULL DEFAULT 0,
	cols BLOB NOT NULL,
	PRIMARY KEY (tbl, row)
) STRICT, WITHOUT ROWID;

CREATE INDEX base_root ON base (root);

-- What a newer server sent and this app has no place for: whole rows of unknown
-- tables (known = 0), the unknown columns of known ones (known = 1).
CREATE TABLE aside (
	tbl TEXT NOT NULL,
	row BLOB NOT NULL,
	root BLOB NOT NULL,
	rev INTEGER NOT NULL,
	known INTEGER NOT NULL,
	cols BLOB NOT NULL,
	PRIMARY KEY (tbl, row)
) STRICT, WITHOUT ROWID;

CREATE INDEX aside_root ON aside (root);

CREATE TABLE instruction (
	id BLOB PRIMARY KEY,
	kind TEXT NOT NULL,
	args TEXT NOT NULL,
	at INTEGER NOT NULL,
	state TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE notice (
	id INTEGER PRIMARY KEY,
	at INTEGER NOT NULL,
	kind TEXT NOT NULL,
	tbl TEXT NOT NULL,
	row BLOB,
	reason TEXT NOT NULL,
	text TEXT NOT NULL,
	seen INTEGER NOT NULL DEFAULT 0
) STRICT;

-- The photo store: bytes are files named by their hash, this is what is known
-- of them. Independent of the app's rows: a photo waits for its upload whatever
-- its row does.
--
--   place    smaller is sent earlier: previews, then signatures, then originals
--   local    1 while the bytes are on this phone
--   receipt  the server's signed word for exactly these bytes, of that history
CREATE TABLE blob (
	sha256 BLOB PRIMARY KEY,
	size INTEGER NOT NULL,
	type TEXT NOT NULL,
	purpose TEXT NOT NULL,
	place INTEGER NOT NULL,
	state TEXT NOT NULL,
	reason TEXT NOT NULL DEFAULT '',
	sent INTEGER NOT NULL DEFAULT 0,
	attempts INTEGER NOT NULL DEFAULT 0,
	next_at INTEGER NOT NULL DEFAULT 0,
	local INTEGER NOT NULL DEFAULT 1,
	added_at INTEGER NOT NULL,
	verified_at INTEGER,
	receipt TEXT NOT NULL DEFAULT '',
	receipt_history BLOB
) STRICT, WITHOUT ROWID;

CREATE INDEX blob_state ON blob (state, place);

-- The sync as a state with a timer, so that a killed app waits on and a failure
-- is always tried again.
--
--   phase    ready, waiting, signin, revoked
--   set_at   when the timer was set, next_at when it fires: Unix milliseconds by
--            this phone's clock
CREATE TABLE sync_state (
	id INTEGER PRIMARY KEY CHECK (id = 1),
	phase TEXT NOT NULL,
	attempts INTEGER NOT NULL,
	set_at INTEGER NOT NULL,
	next_at INTEGER NOT NULL,
	code TEXT NOT NULL,
	last_success INTEGER NOT NULL,
	last_attempt INTEGER NOT NULL
) STRICT;

INSERT INTO sync_state (id, phase, attempts, set_at, next_at, code, last_success, last_attempt) VALUES (1, 'ready', 0, 0, 0, '', 0, 0);
