-- Schema version 2: how sharp and how bright a photo is, and why a poor one was
-- kept. The rows that are here already came without these columns: which version
-- of the schema the feed was read with is known from now on, and a phone that
-- goes over to another one asks for all rows again.
--
-- +goose Up

ALTER TABLE app_photo ADD COLUMN "sharpness" INTEGER;
ALTER TABLE app_photo ADD COLUMN "exposure" INTEGER;
ALTER TABLE app_photo ADD COLUMN "kept_reason" TEXT;

ALTER TABLE feed ADD COLUMN schema INTEGER NOT NULL DEFAULT 1; -- version that the cursor was read with
