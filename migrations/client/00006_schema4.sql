-- Schema version 4: strokes and code of a customer's signature, photos that were
-- not taken and why, whether a crack is whole in its photo, and links to the
-- customer's copy that were made on this phone.
--
-- +goose Up

ALTER TABLE app_signature ADD COLUMN "strokes" TEXT;
ALTER TABLE app_signature ADD COLUMN "code" TEXT;
ALTER TABLE app_photo ADD COLUMN "whole" INTEGER;
ALTER TABLE app_job ADD COLUMN "customer_code" TEXT;

CREATE TABLE app_shot_skip (
	id BLOB PRIMARY KEY,
	root BLOB NOT NULL,
	rev INTEGER NOT NULL DEFAULT 0,
	mine INTEGER NOT NULL DEFAULT 0,
	held INTEGER NOT NULL DEFAULT 0,
	"visit" BLOB,
	"defect" BLOB,
	"role" TEXT,
	"reason" TEXT,
	"at" INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX app_shot_skip_root ON app_shot_skip (root);

CREATE INDEX app_shot_skip_parent ON app_shot_skip ("visit");

CREATE TABLE app_copy_link (
	id BLOB PRIMARY KEY,
	root BLOB NOT NULL,
	rev INTEGER NOT NULL DEFAULT 0,
	mine INTEGER NOT NULL DEFAULT 0,
	held INTEGER NOT NULL DEFAULT 0,
	"visit" BLOB,
	"token_hash" BLOB,
	"at" INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX app_copy_link_root ON app_copy_link (root);

CREATE INDEX app_copy_link_parent ON app_copy_link ("visit");
