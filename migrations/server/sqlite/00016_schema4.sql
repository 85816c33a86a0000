-- Schema version 4: strokes and code of a customer's signature, drawn staff
-- signatures on leftover orders, photos that were not taken and why, whether a
-- crack is whole in its photo, and links to the customer's copy that a phone
-- made without a network.
--
-- +goose Up

ALTER TABLE state_signature ADD COLUMN "strokes" TEXT;
ALTER TABLE state_signature ADD COLUMN "code" TEXT;
ALTER TABLE state_photo ADD COLUMN "whole" INTEGER;
ALTER TABLE state_job ADD COLUMN "customer_code" TEXT;

CREATE TABLE state_leftover_signature (
	centre BLOB NOT NULL,
	id BLOB NOT NULL,
	root BLOB NOT NULL,
	rev INTEGER NOT NULL,
	deleted INTEGER NOT NULL DEFAULT 0,
	clock BLOB NOT NULL,
	extra BLOB,
	"job" BLOB,
	"defect" BLOB,
	"leftover" BLOB,
	"signer" TEXT,
	"name" TEXT,
	"strokes" TEXT,
	"image" BLOB,
	"image_size" INTEGER,
	"content" TEXT,
	"content_hash" BLOB,
	"at" INTEGER,
	"author" BLOB,
	PRIMARY KEY (centre, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE state_shot_skip (
	centre BLOB NOT NULL,
	id BLOB NOT NULL,
	root BLOB NOT NULL,
	rev INTEGER NOT NULL,
	deleted INTEGER NOT NULL DEFAULT 0,
	clock BLOB NOT NULL,
	extra BLOB,
	"visit" BLOB,
	"defect" BLOB,
	"role" TEXT,
	"reason" TEXT,
	"at" INTEGER,
	PRIMARY KEY (centre, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE state_copy_link (
	centre BLOB NOT NULL,
	id BLOB NOT NULL,
	root BLOB NOT NULL,
	rev INTEGER NOT NULL,
	deleted INTEGER NOT NULL DEFAULT 0,
	clock BLOB NOT NULL,
	extra BLOB,
	"visit" BLOB,
	"token_hash" BLOB,
	"at" INTEGER,
	PRIMARY KEY (centre, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX state_leftover_signature_defect ON state_leftover_signature (centre, "defect");
CREATE INDEX state_shot_skip_parent ON state_shot_skip (centre, "visit");
CREATE INDEX state_copy_link_parent ON state_copy_link (centre, "visit");
-- A link's secret names its visit wherever it is: the centre is found by it.
CREATE INDEX state_copy_link_token ON state_copy_link ("token_hash");
CREATE INDEX state_leftover_signature_image ON state_leftover_signature (centre, "image");
