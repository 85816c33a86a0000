-- Who uploads which bytes. What is present is the ledger's word (stored_blob
-- rows, blob_present); this is how the bytes came and where they lie.
--
-- +goose Up

-- One device's copy of one blob: planned, then stored once the server has read
-- it back and checked it (stored_at > 0). A hash known to one device gives it
-- nothing of another's. Losing the table means that phones plan and upload
-- again what they keep; stored copies are still found by stored_blob's device.
CREATE TABLE blob_upload (
	centre BYTEA NOT NULL,
	sha256 BYTEA NOT NULL,
	device BYTEA NOT NULL,
	person BYTEA NOT NULL,
	size BIGINT NOT NULL,
	type TEXT COLLATE "C" NOT NULL,
	purpose TEXT COLLATE "C" NOT NULL,
	key TEXT COLLATE "C" NOT NULL,               -- object key: centre/sha256/device
	multipart TEXT COLLATE "C" NOT NULL,         -- the storage's upload id; '' for a single PUT
	part_size BIGINT NOT NULL,
	planned_at BIGINT NOT NULL,     -- last planned, Unix milliseconds
	stored_at BIGINT NOT NULL,      -- 0 until checked
	history BYTEA NOT NULL,           -- the server's history that signed the receipt
	receipt TEXT COLLATE "C" NOT NULL,           -- JWS; '' until stored
	PRIMARY KEY (centre, sha256, device)
);

-- A device's unfinished uploads, and the stale ones of all.
CREATE INDEX blob_upload_open ON blob_upload (centre, device) WHERE stored_at = 0;
CREATE INDEX blob_upload_stale ON blob_upload (planned_at) WHERE stored_at = 0;

CREATE INDEX state_stored_blob_sha256 ON state_stored_blob (centre, "sha256");
