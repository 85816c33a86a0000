-- Who uploads which bytes. What is present is the ledger's word (stored_blob
-- rows, blob_present); this is how the bytes came and where they lie.
--
-- +goose Up

-- One device's copy of one blob: planned, then stored once the server has read
-- it back and checked it (stored_at > 0). A hash known to one device gives it
-- nothing of another's. Losing the table means that phones plan and upload
-- again what they keep; stored copies are still found by stored_blob's device.
CREATE TABLE blob_upload (
	centre BLOB NOT NULL,
	sha256 BLOB NOT NULL,
	device BLOB NOT NULL,
	person BLOB NOT NULL,
	size INTEGER NOT NULL,
	type TEXT NOT NULL,
	purpose TEXT NOT NULL,
	key TEXT NOT NULL,               -- object key: centre/sha256/device
	multipart TEXT NOT NULL,         -- the storage's upload id; '' for a single PUT
	part_size INTEGER NOT NULL,
	planned_at INTEGER NOT NULL,     -- last planned, Unix milliseconds
	stored_at INTEGER NOT NULL,      -- 0 until checked
	history BLOB NOT NULL,           -- the server's history that signed the receipt
	receipt TEXT NOT NULL,           -- JWS; '' until stored
	PRIMARY KEY (centre, sha256, device)
) STRICT, WITHOUT ROWID;

-- A device's unfinished uploads, and the stale ones of all.
CREATE INDEX blob_upload_open ON blob_upload (centre, device) WHERE stored_at = 0;
CREATE INDEX blob_upload_stale ON blob_upload (planned_at) WHERE stored_at = 0;

CREATE INDEX state_stored_blob_sha256 ON state_stored_blob (centre, "sha256");
