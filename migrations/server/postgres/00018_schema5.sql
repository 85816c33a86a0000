-- Schema version 5: where a photo was taken and where a technician arrived, each
-- a single point that he agreed to, and where the office says that the address
-- is.
--
-- +goose Up

ALTER TABLE state_photo ADD COLUMN "latitude" BIGINT;
ALTER TABLE state_photo ADD COLUMN "longitude" BIGINT;
ALTER TABLE state_photo ADD COLUMN "accuracy" BIGINT;
ALTER TABLE state_photo ADD COLUMN "fix_at" BIGINT;
ALTER TABLE state_photo ADD COLUMN "fix_source" TEXT COLLATE "C";
ALTER TABLE state_photo ADD COLUMN "mocked" BIGINT;
ALTER TABLE state_visit_event ADD COLUMN "latitude" BIGINT;
ALTER TABLE state_visit_event ADD COLUMN "longitude" BIGINT;
ALTER TABLE state_visit_event ADD COLUMN "accuracy" BIGINT;
ALTER TABLE state_visit_event ADD COLUMN "fix_at" BIGINT;
ALTER TABLE state_visit_event ADD COLUMN "mocked" BIGINT;
ALTER TABLE state_job_contact ADD COLUMN "latitude" BIGINT;
ALTER TABLE state_job_contact ADD COLUMN "longitude" BIGINT;
