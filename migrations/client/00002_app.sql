-- The app's tables: what the screens show, base plus my unconfirmed changes, for
-- each table of schema version 1 that can reach a phone or be written there.
--
--   root   the job, person, centre or headquarters it hangs from
--   rev    the server's number of the row; 0 until a feed showed it
--   mine   how many of my changes to it are unconfirmed
--   held   1 while one of them waits for a person's decision
--
-- +goose Up

CREATE TABLE app_fee_standard (
	id BLOB PRIMARY KEY,
	root BLOB NOT NULL,
	rev INTEGER NOT NULL DEFAULT 0,
	mine INTEGER NOT NULL DEFAULT 0,
	held INTEGER NOT NULL DEFAULT 0,
	"version" TEXT,
	"item" TEXT,
	"name" TEXT,
	"name_en" TEXT,
	"unit" TEXT,
	"price" INTEGER,
	"currency" TEXT,
	"split_technician" INTEGER,
	"split_centre" INTEGER,
	"split_company" INTEGER,
	"valid_from" INTEGER,
	"valid_until" INTEGER,
	"approved" INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX app_fee_standard_root ON app_fee_standard (root);

CREATE TABLE app_script (
	id BLOB PRIMARY KEY,
	root BLOB NOT NULL,
	rev INTEGER NOT NULL DEFAULT 0,
	mine INTEGER NOT NULL DEFAULT 0,
	held INTEGER NOT NULL DEFAULT 0,
	"step" TEXT,
	"text" TEXT,
	"text_en" TEXT,
	"version" TEXT
) STRICT, WITHOUT ROWID;

CREATE INDEX app_script_root ON app_script (root);

CREATE TABLE app_centre (
	id BLOB PRIMARY KEY,
	root BLOB NOT NULL,
	rev INTEGER NOT NULL DEFAULT 0,
	mine INTEGER NOT NULL DEFAULT 0,
	held INTEGER NOT NULL DEFAULT 0,
	"name" TEXT,
	"name_en" TEXT,
	"phone" TEXT,
	"hours" TEXT,
	"headquarters" INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX app_centre_root ON app_centre (root);

CREATE TABLE app_person (
	id BLOB PRIMARY KEY,
	root BLOB NOT NULL,
	rev INTEGER NOT NULL DEFAULT 0,
	mine INTEGER NOT NULL DEFAULT 0,
	held INTEGER NOT NULL DEFAULT 0,
	"name" TEXT,
	"login" TEXT,
	"role" TEXT,
	"phone" TEXT,
	"skills" TEXT,
	"active" INTEGER,
	"language" TEXT
) STRICT, WITHOUT ROWID;

CREATE INDEX app_person_root ON app_person (root);

CREATE TABLE app_community (
	id BLOB PRIMARY KEY,
	root BLOB NOT NULL,
	rev INTEGER NOT NULL DEFAULT 0,
	mine INTEGER NOT NULL DEFAULT 0,
	held INTEGER NOT NULL DEFAULT 0,
	"name" TEXT,
	"quiet_from" INTEGER,
	"quiet_to" INTEGER,
	"gate_rule" TEXT
) STRICT, WITHOUT ROWID;

CREATE INDEX app_community_root ON app_community (root);

CREATE TABLE app_instruction_ack (
	id BLOB PRIMARY KEY,
	root BLOB NOT NULL,
	rev INTEGER NOT NULL DEFAULT 0,
	mine INTEGER NOT NULL DEFAULT 0,
	held INTEGER NOT NULL DEFAULT 0,
	"instruction" BLOB,
	"state" TEXT
) STRICT, WITHOUT ROWID;

CREATE INDEX app_instruction_ack_root ON app_instruction_ack (root);

CREATE TABLE app_day_summary (
	id BLOB PRIMARY KEY,
	root BLOB NOT NULL,
	rev INTEGER NOT NULL DEFAULT 0,
	mine INTEGER NOT NULL DEFAULT 0,
	held INTEGER NOT NULL DEFAULT 0,
	"day" TEXT,
	"text" TEXT,
	"plan" TEXT
) STRICT, WITHOUT ROWID;

CREATE INDEX app_day_summary_root ON app_day_summary (root);

CREATE TABLE app_job (
	id BLOB PRIMARY KEY,
	root BLOB NOT NULL,
	rev INTEGER NOT NULL DEFAULT 0,
	mine INTEGER NOT NULL DEFAULT 0,
	held INTEGER NOT NULL DEFAULT 0,
	"job_no" TEXT,
	"kind" TEXT,
	"channel" TEXT,
	"intake_at" INTEGER,
	"asked_work" TEXT,
	"warranty" TEXT,
	"slot_from" INTEGER,
	"slot_to" INTEGER,
	"agreed_with" TEXT,
	"customer" BLOB,
	"contract" BLOB,
	"contract_no" TEXT,
	"product" TEXT,
	"answered_at" INTEGER,
	"found_on_spot" INTEGER,
	"origin" BLOB,
	"status" TEXT,
	"cancel_reason" TEXT,
	"registered_at" INTEGER,
	"registered_by" BLOB,
	"closed_at" INTEGER,
	"complete" INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX app_job_root ON app_job (root);

CREATE TABLE app_job_contact (
	id BLOB PRIMARY KEY,
	root BLOB NOT NULL,
	rev INTEGER NOT NULL DEFAULT 0,
	mine INTEGER NOT NULL DEFAULT 0,
	held INTEGER NOT NULL DEFAULT 0,
	"job" BLOB,
	"name" TEXT,
	"phone" TEXT,
	"address" TEXT,
	"community" TEXT,
	"gate_rule" TEXT,
	"quiet_from" INTEGER,
	"quiet_to" INTEGER,
	"note" TEXT
) STRICT, WITHOUT ROWID;

CREATE INDEX app_job_contact_root ON app_job_contact (root);

CREATE TABLE app_job_item (
	id BLOB PRIMARY KEY,
	root BLOB NOT NULL,
	rev INTEGER NOT NULL DEFAULT 0,
	mine INTEGER NOT NULL DEFAULT 0,
	held INTEGER NOT NULL DEFAULT 0,
	"job" BLOB,
	"contract_no" TEXT,
	"category" TEXT,
	"model" TEXT,
	"material" TEXT,
	"edge_profile" TEXT,
	"edge_band" TEXT,
	"drawing_size" TEXT,
	"serial" TEXT,
	"store" TEXT,
	"order_time" INTEGER,
	"delivery_date" INTEGER,
	"installed_at" INTEGER,
	"warranty_until" INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX app_job_item_root ON app_job_item (root);

CREATE TABLE app_job_history (
	id BLOB PRIMARY KEY,
	root BLOB NOT NULL,
	rev INTEGER NOT NULL DEFAULT 0,
	mine INTEGER NOT NULL DEFAULT 0,
	held INTEGER NOT NULL DEFAULT 0,
	"job" BLOB,
	"at" INTEGER,
	"job_no" TEXT,
	"summary" TEXT
) STRICT, WITHOUT ROWID;

CREATE INDEX app_job_history_root ON app_job_history (root);

CREATE TABLE app_assignment (
	id BLOB PRIMARY KEY,
	root BLOB NOT NULL,
	rev INTEGER NOT NULL DEFAULT 0,
	mine INTEGER NOT NULL DEFAULT 0,
	held INTEGER NOT NULL DEFAULT 0,
	"job" BLOB,
	"person" BLOB,
	"lead" INTEGER,
	"active" INTEGER,
	"reason" TEXT
) STRICT, WITHOUT ROWID;

CREATE INDEX app_assignment_root ON app_assignment (root);

CREATE TABLE app_note (
	id BLOB PRIMARY KEY,
	root BLOB NOT NULL,
	rev INTEGER NOT NULL DEFAULT 0,
	mine INTEGER NOT NULL DEFAULT 0,
	held INTEGER NOT NULL DEFAULT 0,
	"job" BLOB,
	"kind" TEXT,
	"text" TEXT,
	"at" INTEGER,
	"author" BLOB
) STRICT, WITHOUT ROWID;

CREATE INDEX app_note_root ON app_note (root);

CREATE TABLE app_visit (
	id BLOB PRIMARY KEY,
	root BLOB NOT NULL,
	rev INTEGER NOT NULL DEFAULT 0,
	mine INTEGER NOT NULL DEFAULT 0,
	held INTEGER NOT NULL DEFAULT 0,
	"job" BLOB,
	"person" BLOB,
	"started_at" INTEGER,
	"outcome" TEXT,
	"uncertain_fix" INTEGER,
	"note" TEXT
) STRICT, WITHOUT ROWID;

CREATE INDEX app_visit_root ON app_visit (root);

CREATE TABLE app_visit_event (
	id BLOB PRIMARY KEY,
	root BLOB NOT NULL,
	rev INTEGER NOT NULL DEFAULT 0,
	mine INTEGER NOT NULL DEFAULT 0,
	held INTEGER NOT NULL DEFAULT 0,
	"visit" BLOB,
	"kind" TEXT,
	"at" INTEGER,
	"detail" TEXT,
	"standard_version" TEXT
) STRICT, WITHOUT ROWID;

CREATE INDEX app_visit_event_root ON app_visit_event (root);

CREATE INDEX app_visit_event_parent ON app_visit_event ("visit");

CREATE TABLE app_service_record (
	id BLOB PRIMARY KEY,
	root BLOB NOT NULL,
	rev INTEGER NOT NULL DEFAULT 0,
	mine INTEGER NOT NULL DEFAULT 0,
	held INTEGER NOT NULL DEFAULT 0,
	"visit" BLOB,
	"fault" TEXT,
	"cause" TEXT,
	"measure" TEXT,
	"deferred" INTEGER,
	"deferred_due" INTEGER,
	"training_done" INTEGER,
	"restored" INTEGER,
	"cleaned" INTEGER,
	"warranty_card" INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX app_service_record_root ON app_service_record (root);

CREATE INDEX app_service_record_parent ON app_service_record ("visit");

CREATE TABLE app_defect (
	id BLOB PRIMARY KEY,
	root BLOB NOT NULL,
	rev INTEGER NOT NULL DEFAULT 0,
	mine INTEGER NOT NULL DEFAULT 0,
	held INTEGER NOT NULL DEFAULT 0,
	"job" BLOB,
	"visit" BLOB,
	"no" INTEGER,
	"class" TEXT,
	"text" TEXT,
	"drawing_size" INTEGER,
	"actual_size" INTEGER,
	"item" BLOB,
	"status" TEXT
) STRICT, WITHOUT ROWID;

CREATE INDEX app_defect_root ON app_defect (root);

CREATE TABLE app_photo (
	id BLOB PRIMARY KEY,
	root BLOB NOT NULL,
	rev INTEGER NOT NULL DEFAULT 0,
	mine INTEGER NOT NULL DEFAULT 0,
	held INTEGER NOT NULL DEFAULT 0,
	"job" BLOB,
	"visit" BLOB,
	"defect" BLOB,
	"role" TEXT,
	"original" BLOB,
	"original_size" INTEGER,
	"original_type" TEXT,
	"preview" BLOB,
	"preview_size" INTEGER,
	"width" INTEGER,
	"height" INTEGER,
	"orientation" INTEGER,
	"taken_at" INTEGER,
	"same_plane" INTEGER,
	"blur" INTEGER,
	"source" TEXT,
	"note" TEXT,
	"retake_of" BLOB
) STRICT, WITHOUT ROWID;

CREATE INDEX app_photo_root ON app_photo (root);

CREATE TABLE app_part_used (
	id BLOB PRIMARY KEY,
	root BLOB NOT NULL,
	rev INTEGER NOT NULL DEFAULT 0,
	mine INTEGER NOT NULL DEFAULT 0,
	held INTEGER NOT NULL DEFAULT 0,
	"visit" BLOB,
	"name" TEXT,
	"serial" TEXT,
	"quantity" INTEGER,
	"old_part_no" TEXT,
	"old_part_missing" TEXT
) STRICT, WITHOUT ROWID;

CREATE INDEX app_part_used_root ON app_part_used (root);

CREATE INDEX app_part_used_parent ON app_part_used ("visit");

CREATE TABLE app_fee_line (
	id BLOB PRIMARY KEY,
	root BLOB NOT NULL,
	rev INTEGER NOT NULL DEFAULT 0,
	mine INTEGER NOT NULL DEFAULT 0,
	held INTEGER NOT NULL DEFAULT 0,
	"visit" BLOB,
	"item" TEXT,
	"name" TEXT,
	"standard_version" TEXT,
	"quantity" INTEGER,
	"standard_price" INTEGER,
	"card_price" INTEGER,
	"charged" INTEGER,
	"currency" TEXT,
	"basis" TEXT,
	"reason" TEXT
) STRICT, WITHOUT ROWID;

CREATE INDEX app_fee_line_root ON app_fee_line (root);

CREATE INDEX app_fee_line_parent ON app_fee_line ("visit");

CREATE TABLE app_waiver (
	id BLOB PRIMARY KEY,
	root BLOB NOT NULL,
	rev INTEGER NOT NULL DEFAULT 0,
	mine INTEGER NOT NULL DEFAULT 0,
	held INTEGER NOT NULL DEFAULT 0,
	"visit" BLOB,
	"amount" INTEGER,
	"currency" TEXT,
	"reason" TEXT,
	"explained" INTEGER,
	"status" TEXT,
	"decided_by" BLOB
) STRICT, WITHOUT ROWID;

CREATE INDEX app_waiver_root ON app_waiver (root);

CREATE INDEX app_waiver_parent ON app_waiver ("visit");

CREATE TABLE app_receipt (
	id BLOB PRIMARY KEY,
	root BLOB NOT NULL,
	rev INTEGER NOT NULL DEFAULT 0,
	mine INTEGER NOT NULL DEFAULT 0,
	held INTEGER NOT NULL DEFAULT 0,
	"visit" BLOB,
	"no" TEXT,
	"amount" INTEGER,
	"currency" TEXT,
	"payer" TEXT,
	"way" TEXT,
	"issued_at" INTEGER,
	"invoice" TEXT,
	"void_of" BLOB
) STRICT, WITHOUT ROWID;

CREATE INDEX app_receipt_root ON app_receipt (root);

CREATE INDEX app_receipt_parent ON app_receipt ("visit");

CREATE TABLE app_rating (
	id BLOB PRIMARY KEY,
	root BLOB NOT NULL,
	rev INTEGER NOT NULL DEFAULT 0,
	mine INTEGER NOT NULL DEFAULT 0,
	held INTEGER NOT NULL DEFAULT 0,
	"visit" BLOB,
	"quality" INTEGER,
	"attitude" INTEGER,
	"comment" TEXT,
	"handover" INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX app_rating_root ON app_rating (root);

CREATE INDEX app_rating_parent ON app_rating ("visit");

CREATE TABLE app_signature (
	id BLOB PRIMARY KEY,
	root BLOB NOT NULL,
	rev INTEGER NOT NULL DEFAULT 0,
	mine INTEGER NOT NULL DEFAULT 0,
	held INTEGER NOT NULL DEFAULT 0,
	"visit" BLOB,
	"signer" TEXT,
	"outcome" TEXT,
	"image" BLOB,
	"image_size" INTEGER,
	"content_hash" BLOB,
	"content" TEXT,
	"reason" TEXT,
	"at" INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX app_signature_root ON app_signature (root);

CREATE INDEX app_signature_parent ON app_signature ("visit");

CREATE TABLE app_visit_close (
	id BLOB PRIMARY KEY,
	root BLOB NOT NULL,
	rev INTEGER NOT NULL DEFAULT 0,
	mine INTEGER NOT NULL DEFAULT 0,
	held INTEGER NOT NULL DEFAULT 0,
	"visit" BLOB,
	"at" INTEGER,
	"rows" INTEGER,
	"photos" INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX app_visit_close_root ON app_visit_close (root);

CREATE INDEX app_visit_close_parent ON app_visit_close ("visit");

CREATE TABLE app_adjudication (
	id BLOB PRIMARY KEY,
	root BLOB NOT NULL,
	rev INTEGER NOT NULL DEFAULT 0,
	mine INTEGER NOT NULL DEFAULT 0,
	held INTEGER NOT NULL DEFAULT 0,
	"defect" BLOB,
	"verdict" TEXT,
	"lacks" TEXT,
	"wanted_role" TEXT,
	"remedy" TEXT,
	"reason" TEXT,
	"text_store" TEXT,
	"text_customer" TEXT,
	"adjudicator" BLOB,
	"at" INTEGER,
	"cost" INTEGER,
	"currency" TEXT
) STRICT, WITHOUT ROWID;

CREATE INDEX app_adjudication_root ON app_adjudication (root);

CREATE INDEX app_adjudication_parent ON app_adjudication ("defect");

CREATE TABLE app_responsibility (
	id BLOB PRIMARY KEY,
	root BLOB NOT NULL,
	rev INTEGER NOT NULL DEFAULT 0,
	mine INTEGER NOT NULL DEFAULT 0,
	held INTEGER NOT NULL DEFAULT 0,
	"adjudication" BLOB,
	"party" TEXT,
	"percent" INTEGER,
	"reason" TEXT
) STRICT, WITHOUT ROWID;

CREATE INDEX app_responsibility_root ON app_responsibility (root);

CREATE INDEX app_responsibility_parent ON app_responsibility ("adjudication");

CREATE TABLE app_return_shipment (
	id BLOB PRIMARY KEY,
	root BLOB NOT NULL,
	rev INTEGER NOT NULL DEFAULT 0,
	mine INTEGER NOT NULL DEFAULT 0,
	held INTEGER NOT NULL DEFAULT 0,
	"defect" BLOB,
	"carrier" TEXT,
	"cost" INTEGER,
	"currency" TEXT,
	"sent_at" INTEGER,
	"received_at" INTEGER,
	"status" TEXT
) STRICT, WITHOUT ROWID;

CREATE INDEX app_return_shipment_root ON app_return_shipment (root);

CREATE INDEX app_return_shipment_parent ON app_return_shipment ("defect");
