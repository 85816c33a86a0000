-- Schema version 5: where a photo was taken and where a technician arrived, each
-- a single point that he agreed to, and where the office says that the address
-- is.
--
-- +goose Up

ALTER TABLE app_photo ADD COLUMN "latitude" INTEGER;
ALTER TABLE app_photo ADD COLUMN "longitude" INTEGER;
ALTER TABLE app_photo ADD COLUMN "accuracy" INTEGER;
ALTER TABLE app_photo ADD COLUMN "fix_at" INTEGER;
ALTER TABLE app_photo ADD COLUMN "fix_source" TEXT;
ALTER TABLE app_photo ADD COLUMN "mocked" INTEGER;
ALTER TABLE app_visit_event ADD COLUMN "latitude" INTEGER;
ALTER TABLE app_visit_event ADD COLUMN "longitude" INTEGER;
ALTER TABLE app_visit_event ADD COLUMN "accuracy" INTEGER;
ALTER TABLE app_visit_event ADD COLUMN "fix_at" INTEGER;
ALTER TABLE app_visit_event ADD COLUMN "mocked" INTEGER;
ALTER TABLE app_job_contact ADD COLUMN "latitude" INTEGER;
ALTER TABLE app_job_contact ADD COLUMN "longitude" INTEGER;
