-- What a screen or a phone reads is found without passing over what is long
-- done: each list, count and check has an index that leads to its rows.
--
-- +goose Up

-- Jobs by their state in the order of the lists, by their day, by customer, by
-- number; and those that are not complete, to which everything that is still
-- out belongs: visits without a closing row, files on a phone only.
DROP INDEX state_job_status;
CREATE INDEX state_job_status ON state_job (centre, "status", (COALESCE("slot_from", "intake_at")) NULLS FIRST, id);
CREATE INDEX state_job_when ON state_job (centre, (COALESCE("slot_from", "intake_at")) NULLS FIRST, id);
CREATE INDEX state_job_customer ON state_job (centre, "customer", "intake_at");
CREATE INDEX state_job_no ON state_job (centre, "job_no");
CREATE INDEX state_job_incomplete ON state_job (centre, "status") WHERE deleted = 0 AND COALESCE("complete", 0) = 0;

CREATE INDEX state_customer_name ON state_customer (centre, "name" NULLS FIRST, id);
CREATE INDEX state_visit_person ON state_visit (centre, "person", "started_at");
CREATE INDEX state_waiver_pending ON state_waiver (centre) WHERE deleted = 0 AND "status" = 'pending';
CREATE INDEX state_assignment_active ON state_assignment (centre, "job") WHERE "active" = 1 AND deleted = 0;
CREATE INDEX state_inspection_job ON state_inspection (centre, "job");
CREATE INDEX state_complaint_job ON state_complaint (centre, "job");
CREATE INDEX state_receipt_range_device ON state_receipt_range (centre, "device");

-- What a phone is told, and what it has answered.
CREATE INDEX state_instruction_person ON state_instruction (centre, "person");
CREATE INDEX state_instruction_ack_of ON state_instruction_ack (centre, "instruction");

-- The jobs that somebody sees now, and those that he left since a rev.
CREATE INDEX membership_seen ON membership (centre, person, job) WHERE joined_rev > left_rev;
CREATE INDEX membership_left ON membership (centre, person, left_rev) WHERE left_rev > joined_rev;

CREATE INDEX log_person ON log (centre, person);
CREATE INDEX case_file_kind ON case_file (centre, kind, opened_at);
CREATE INDEX outcome_denied ON outcome (centre) WHERE code = 'denied';
CREATE INDEX quarantine_newest ON quarantine (centre, id);
