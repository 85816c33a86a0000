-- Who somebody is: sign-in names, sessions of the screens, enrolment codes and
-- refresh families of the phones. People, devices and receipt ranges
-- themselves are rows of state.
--
-- +goose Up

-- A person's sign-in name (unique over all centres) and argon2id hash. Losing
-- the table means new passwords for everybody, nothing else.
CREATE TABLE credential (
	person BLOB PRIMARY KEY,
	centre BLOB NOT NULL,
	login TEXT NOT NULL UNIQUE,
	hash TEXT NOT NULL,
	changed_at INTEGER NOT NULL
) STRICT;

-- A signed-in browser. digest is SHA-256 of the cookie's token.
CREATE TABLE session (
	digest BLOB PRIMARY KEY,
	person BLOB NOT NULL,
	created_at INTEGER NOT NULL,
	last_seen INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX session_person ON session (person);

-- A one-time enrolment code. digest is SHA-256 of its letters. Once claimed it
-- names the key, device and family that it made, so that a lost answer can be
-- given again.
CREATE TABLE enrol_code (
	digest BLOB PRIMARY KEY,
	centre BLOB NOT NULL,
	person BLOB NOT NULL,
	issued_by BLOB NOT NULL,
	created_at INTEGER NOT NULL,
	expires_at INTEGER NOT NULL,
	claimed_key BLOB,
	device BLOB,
	family BLOB,
	claimed_at INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

-- The refresh tokens of one enrolment: the number of the newest. The tokens
-- themselves are nowhere; they are recognised with the server's key file.
-- Losing the table means a new code for every phone, nothing else.
CREATE TABLE refresh_family (
	id BLOB PRIMARY KEY,
	centre BLOB NOT NULL,
	device BLOB NOT NULL,
	salt BLOB NOT NULL,
	gen INTEGER NOT NULL,
	last_used INTEGER NOT NULL,
	ended_at INTEGER NOT NULL DEFAULT 0,
	ended_why TEXT NOT NULL DEFAULT ''
) STRICT, WITHOUT ROWID;

CREATE INDEX refresh_family_device ON refresh_family (device);

-- What was done to accounts and devices, and by whom; never changed.
CREATE TABLE auth_event (
	id INTEGER PRIMARY KEY,
	at INTEGER NOT NULL,
	actor BLOB NOT NULL, -- zero for the command line
	action TEXT NOT NULL,
	subject BLOB NOT NULL
) STRICT;

CREATE INDEX auth_event_subject ON auth_event (subject, id);

-- A person or device is found by its id alone where the centre is the question.
CREATE INDEX state_person_id ON state_person (id);
CREATE INDEX state_device_id ON state_device (id);
CREATE INDEX state_receipt_range_prefix ON state_receipt_range (centre, "prefix");
