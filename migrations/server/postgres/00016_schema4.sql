-- Schema version 4: strokes and code of a customer's signature, drawn staff
-- signatures on leftover orders, photos that were not taken and why, whether a
-- crack is whole in its photo, and links to the customer's copy that a phone
-- made without a network.
--
-- +goose Up

ALTER TABLE state_signature ADD COLUMN "strokes" TEXT COLLATE "C";
ALTER TABLE state_signature ADD COLUMN "code" TEXT COLLATE "C";
ALTER TABLE state_photo ADD COLUMN "whole" BIGINT;
ALTER TABLE state_job ADD COLUMN "customer_code" TEXT COLLATE "C";

CREATE TABLE state_leftover_signature (
	centre BYTEA NOT NULL,
	id BYTEA NOT NULL,
	root BYTEA NOT NULL,
	rev BIGINT NOT NULL,
	deleted BIGINT NOT NULL DEFAULT 0,
	clock BYTEA NOT NULL,
	extra BYTEA,
	"job" BYTEA,
	"defect" BYTEA,
	"leftover" BYTEA,
	"signer" TEXT COLLATE "C",
	"name" TEXT COLLATE "C",
	"strokes" TEXT COLLATE "C",
	"image" BYTEA,
	"image_size" BIGINT,
	"content" TEXT COLLATE "C",
	"content_hash" BYTEA,
	"at" BIGINT,
	"author" BYTEA,
	PRIMARY KEY (centre, id)
);

CREATE TABLE state_shot_skip (
	centre BYTEA NOT NULL,
	id BYTEA NOT NULL,
	root BYTEA NOT NULL,
	rev BIGINT NOT NULL,
	deleted BIGINT NOT NULL DEFAULT 0,
	clock BYTEA NOT NULL,
	extra BYTEA,
	"visit" BYTEA,
	"defect" BYTEA,
	"role" TEXT COLLATE "C",
	"reason" TEXT COLLATE "C",
	"at" BIGINT,
	PRIMARY KEY (centre, id)
);

CREATE TABLE state_copy_link (
	centre BYTEA NOT NULL,
	id BYTEA NOT NULL,
	root BYTEA NOT NULL,
	rev BIGINT NOT NULL,
	deleted BIGINT NOT NULL DEFAULT 0,
	clock BYTEA NOT NULL,
	extra BYTEA,
	"visit" BYTEA,
	"token_hash" BYTEA,
	"at" BIGINT,
	PRIMARY KEY (centre, id)
);

CREATE INDEX state_leftover_signature_defect ON state_leftover_signature (centre, "defect");
CREATE INDEX state_shot_skip_parent ON state_shot_skip (centre, "visit");
CREATE INDEX state_copy_link_parent ON state_copy_link (centre, "visit");
-- A link's secret names its visit wherever it is: the centre is found by it.
CREATE INDEX state_copy_link_token ON state_copy_link ("token_hash");
CREATE INDEX state_leftover_signature_image ON state_leftover_signature (centre, "image");
