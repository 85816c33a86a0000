-- State: one typed table per table of schema version 1. A row of state is what
-- the ledger folds to; it can be thrown away and rebuilt.
--
--   centre, id   the stream and the row; every key begins with the centre
--   root         the job, person, centre, office or headquarters it hangs from
--   rev          the server's number for this state of the row
--   deleted      1 for a tombstone: the id is never used again
--   clock        who wrote which column when (rev, hlc, log), compact CBOR
--   extra        columns of a newer schema, kept until the server is upgraded
--
-- +goose Up

CREATE TABLE state_fee_standard (
	centre BYTEA NOT NULL,
	id BYTEA NOT NULL,
	root BYTEA NOT NULL,
	rev BIGINT NOT NULL,
	deleted BIGINT NOT NULL DEFAULT 0,
	clock BYTEA NOT NULL,
	extra BYTEA,
	"version" TEXT COLLATE "C",
	"item" TEXT COLLATE "C",
	"name" TEXT COLLATE "C",
	"name_en" TEXT COLLATE "C",
	"unit" TEXT COLLATE "C",
	"price" BIGINT,
	"currency" TEXT COLLATE "C",
	"split_technician" BIGINT,
	"split_centre" BIGINT,
	"split_company" BIGINT,
	"valid_from" BIGINT,
	"valid_until" BIGINT,
	"approved" BIGINT,
	PRIMARY KEY (centre, id)
);

CREATE TABLE state_script (
	centre BYTEA NOT NULL,
	id BYTEA NOT NULL,
	root BYTEA NOT NULL,
	rev BIGINT NOT NULL,
	deleted BIGINT NOT NULL DEFAULT 0,
	clock BYTEA NOT NULL,
	extra BYTEA,
	"step" TEXT COLLATE "C",
	"text" TEXT COLLATE "C",
	"text_en" TEXT COLLATE "C",
	"version" TEXT COLLATE "C",
	PRIMARY KEY (centre, id)
);

CREATE TABLE state_centre (
	centre BYTEA NOT NULL,
	id BYTEA NOT NULL,
	root BYTEA NOT NULL,
	rev BIGINT NOT NULL,
	deleted BIGINT NOT NULL DEFAULT 0,
	clock BYTEA NOT NULL,
	extra BYTEA,
	"name" TEXT COLLATE "C",
	"name_en" TEXT COLLATE "C",
	"phone" TEXT COLLATE "C",
	"hours" TEXT COLLATE "C",
	"headquarters" BIGINT,
	PRIMARY KEY (centre, id)
);

CREATE TABLE state_person (
	centre BYTEA NOT NULL,
	id BYTEA NOT NULL,
	root BYTEA NOT NULL,
	rev BIGINT NOT NULL,
	deleted BIGINT NOT NULL DEFAULT 0,
	clock BYTEA NOT NULL,
	extra BYTEA,
	"name" TEXT COLLATE "C",
	"login" TEXT COLLATE "C",
	"role" TEXT COLLATE "C",
	"phone" TEXT COLLATE "C",
	"skills" TEXT COLLATE "C",
	"active" BIGINT,
	"language" TEXT COLLATE "C",
	PRIMARY KEY (centre, id)
);

CREATE TABLE state_community (
	centre BYTEA NOT NULL,
	id BYTEA NOT NULL,
	root BYTEA NOT NULL,
	rev BIGINT NOT NULL,
	deleted BIGINT NOT NULL DEFAULT 0,
	clock BYTEA NOT NULL,
	extra BYTEA,
	"name" TEXT COLLATE "C",
	"quiet_from" BIGINT,
	"quiet_to" BIGINT,
	"gate_rule" TEXT COLLATE "C",
	PRIMARY KEY (centre, id)
);

CREATE TABLE state_instruction_ack (
	centre BYTEA NOT NULL,
	id BYTEA NOT NULL,
	root BYTEA NOT NULL,
	rev BIGINT NOT NULL,
	deleted BIGINT NOT NULL DEFAULT 0,
	clock BYTEA NOT NULL,
	extra BYTEA,
	"instruction" BYTEA,
	"state" TEXT COLLATE "C",
	PRIMARY KEY (centre, id)
);

CREATE TABLE state_day_summary (
	centre BYTEA NOT NULL,
	id BYTEA NOT NULL,
	root BYTEA NOT NULL,
	rev BIGINT NOT NULL,
	deleted BIGINT NOT NULL DEFAULT 0,
	clock BYTEA NOT NULL,
	extra BYTEA,
	"day" TEXT COLLATE "C",
	"text" TEXT COLLATE "C",
	"plan" TEXT COLLATE "C",
	PRIMARY KEY (centre, id)
);

CREATE TABLE state_customer (
	centre BYTEA NOT NULL,
	id BYTEA NOT NULL,
	root BYTEA NOT NULL,
	rev BIGINT NOT NULL,
	deleted BIGINT NOT NULL DEFAULT 0,
	clock BYTEA NOT NULL,
	extra BYTEA,
	"name" TEXT COLLATE "C",
	"phone" TEXT COLLATE "C",
	"address" TEXT COLLATE "C",
	"community" BYTEA,
	"opt_out" BIGINT,
	"note" TEXT COLLATE "C",
	PRIMARY KEY (centre, id)
);

CREATE TABLE state_contract (
	centre BYTEA NOT NULL,
	id BYTEA NOT NULL,
	root BYTEA NOT NULL,
	rev BIGINT NOT NULL,
	deleted BIGINT NOT NULL DEFAULT 0,
	clock BYTEA NOT NULL,
	extra BYTEA,
	"customer" BYTEA,
	"contract_no" TEXT COLLATE "C",
	"store" TEXT COLLATE "C",
	"designer" TEXT COLLATE "C",
	"order_time" BIGINT,
	"delivery_date" BIGINT,
	"installed_at" BIGINT,
	"warranty_until" BIGINT,
	PRIMARY KEY (centre, id)
);

CREATE INDEX state_contract_parent ON state_contract (centre, "customer");

CREATE TABLE state_contract_item (
	centre BYTEA NOT NULL,
	id BYTEA NOT NULL,
	root BYTEA NOT NULL,
	rev BIGINT NOT NULL,
	deleted BIGINT NOT NULL DEFAULT 0,
	clock BYTEA NOT NULL,
	extra BYTEA,
	"contract" BYTEA,
	"category" TEXT COLLATE "C",
	"model" TEXT COLLATE "C",
	"material" TEXT COLLATE "C",
	"edge_profile" TEXT COLLATE "C",
	"edge_band" TEXT COLLATE "C",
	"drawing_size" TEXT COLLATE "C",
	"serial" TEXT COLLATE "C",
	PRIMARY KEY (centre, id)
);

CREATE INDEX state_contract_item_parent ON state_contract_item (centre, "contract");

CREATE TABLE state_callback (
	centre BYTEA NOT NULL,
	id BYTEA NOT NULL,
	root BYTEA NOT NULL,
	rev BIGINT NOT NULL,
	deleted BIGINT NOT NULL DEFAULT 0,
	clock BYTEA NOT NULL,
	extra BYTEA,
	"job" BYTEA,
	"kind" TEXT COLLATE "C",
	"due" BIGINT,
	"called_at" BIGINT,
	"attempts" BIGINT,
	"satisfied" BIGINT,
	"paid_said" BIGINT,
	"currency" TEXT COLLATE "C",
	"filled_personally" BIGINT,
	"result" TEXT COLLATE "C",
	"caller" BYTEA,
	PRIMARY KEY (centre, id)
);

CREATE TABLE state_inspection (
	centre BYTEA NOT NULL,
	id BYTEA NOT NULL,
	root BYTEA NOT NULL,
	rev BIGINT NOT NULL,
	deleted BIGINT NOT NULL DEFAULT 0,
	clock BYTEA NOT NULL,
	extra BYTEA,
	"job" BYTEA,
	"kind" TEXT COLLATE "C",
	"done_at" BIGINT,
	"score" BIGINT,
	"inspector" BYTEA,
	"note" TEXT COLLATE "C",
	PRIMARY KEY (centre, id)
);

CREATE TABLE state_complaint (
	centre BYTEA NOT NULL,
	id BYTEA NOT NULL,
	root BYTEA NOT NULL,
	rev BIGINT NOT NULL,
	deleted BIGINT NOT NULL DEFAULT 0,
	clock BYTEA NOT NULL,
	extra BYTEA,
	"job" BYTEA,
	"customer" BYTEA,
	"matter" TEXT COLLATE "C",
	"received_at" BIGINT,
	"layer" TEXT COLLATE "C",
	"status" TEXT COLLATE "C",
	"result" TEXT COLLATE "C",
	PRIMARY KEY (centre, id)
);

CREATE TABLE state_remittance (
	centre BYTEA NOT NULL,
	id BYTEA NOT NULL,
	root BYTEA NOT NULL,
	rev BIGINT NOT NULL,
	deleted BIGINT NOT NULL DEFAULT 0,
	clock BYTEA NOT NULL,
	extra BYTEA,
	"person" BYTEA,
	"receipt_no" TEXT COLLATE "C",
	"amount" BIGINT,
	"currency" TEXT COLLATE "C",
	"handed_at" BIGINT,
	PRIMARY KEY (centre, id)
);

CREATE TABLE state_job (
	centre BYTEA NOT NULL,
	id BYTEA NOT NULL,
	root BYTEA NOT NULL,
	rev BIGINT NOT NULL,
	deleted BIGINT NOT NULL DEFAULT 0,
	clock BYTEA NOT NULL,
	extra BYTEA,
	"job_no" TEXT COLLATE "C",
	"kind" TEXT COLLATE "C",
	"channel" TEXT COLLATE "C",
	"intake_at" BIGINT,
	"asked_work" TEXT COLLATE "C",
	"warranty" TEXT COLLATE "C",
	"slot_from" BIGINT,
	"slot_to" BIGINT,
	"agreed_with" TEXT COLLATE "C",
	"customer" BYTEA,
	"contract" BYTEA,
	"contract_no" TEXT COLLATE "C",
	"product" TEXT COLLATE "C",
	"answered_at" BIGINT,
	"found_on_spot" BIGINT,
	"origin" BYTEA,
	"status" TEXT COLLATE "C",
	"cancel_reason" TEXT COLLATE "C",
	"registered_at" BIGINT,
	"registered_by" BYTEA,
	"closed_at" BIGINT,
	"complete" BIGINT,
	PRIMARY KEY (centre, id)
);

CREATE TABLE state_job_contact (
	centre BYTEA NOT NULL,
	id BYTEA NOT NULL,
	root BYTEA NOT NULL,
	rev BIGINT NOT NULL,
	deleted BIGINT NOT NULL DEFAULT 0,
	clock BYTEA NOT NULL,
	extra BYTEA,
	"job" BYTEA,
	"name" TEXT COLLATE "C",
	"phone" TEXT COLLATE "C",
	"address" TEXT COLLATE "C",
	"community" TEXT COLLATE "C",
	"gate_rule" TEXT COLLATE "C",
	"quiet_from" BIGINT,
	"quiet_to" BIGINT,
	"note" TEXT COLLATE "C",
	PRIMARY KEY (centre, id)
);

CREATE INDEX state_job_contact_parent ON state_job_contact (centre, "job");

CREATE TABLE state_job_item (
	centre BYTEA NOT NULL,
	id BYTEA NOT NULL,
	root BYTEA NOT NULL,
	rev BIGINT NOT NULL,
	deleted BIGINT NOT NULL DEFAULT 0,
	clock BYTEA NOT NULL,
	extra BYTEA,
	"job" BYTEA,
	"contract_no" TEXT COLLATE "C",
	"category" TEXT COLLATE "C",
	"model" TEXT COLLATE "C",
	"material" TEXT COLLATE "C",
	"edge_profile" TEXT COLLATE "C",
	"edge_band" TEXT COLLATE "C",
	"drawing_size" TEXT COLLATE "C",
	"serial" TEXT COLLATE "C",
	"store" TEXT COLLATE "C",
	"order_time" BIGINT,
	"delivery_date" BIGINT,
	"installed_at" BIGINT,
	"warranty_until" BIGINT,
	PRIMARY KEY (centre, id)
);

CREATE INDEX state_job_item_parent ON state_job_item (centre, "job");

CREATE TABLE state_job_history (
	centre BYTEA NOT NULL,
	id BYTEA NOT NULL,
	root BYTEA NOT NULL,
	rev BIGINT NOT NULL,
	deleted BIGINT NOT NULL DEFAULT 0,
	clock BYTEA NOT NULL,
	extra BYTEA,
	"job" BYTEA,
	"at" BIGINT,
	"job_no" TEXT COLLATE "C",
	"summary" TEXT COLLATE "C",
	PRIMARY KEY (centre, id)
);

CREATE INDEX state_job_history_parent ON state_job_history (centre, "job");

CREATE TABLE state_assignment (
	centre BYTEA NOT NULL,
	id BYTEA NOT NULL,
	root BYTEA NOT NULL,
	rev BIGINT NOT NULL,
	deleted BIGINT NOT NULL DEFAULT 0,
	clock BYTEA NOT NULL,
	extra BYTEA,
	"job" BYTEA,
	"person" BYTEA,
	"lead" BIGINT,
	"active" BIGINT,
	"reason" TEXT COLLATE "C",
	PRIMARY KEY (centre, id)
);

CREATE INDEX state_assignment_parent ON state_assignment (centre, "job");

CREATE TABLE state_note (
	centre BYTEA NOT NULL,
	id BYTEA NOT NULL,
	root BYTEA NOT NULL,
	rev BIGINT NOT NULL,
	deleted BIGINT NOT NULL DEFAULT 0,
	clock BYTEA NOT NULL,
	extra BYTEA,
	"job" BYTEA,
	"kind" TEXT COLLATE "C",
	"text" TEXT COLLATE "C",
	"at" BIGINT,
	"author" BYTEA,
	PRIMARY KEY (centre, id)
);

CREATE INDEX state_note_parent ON state_note (centre, "job");

CREATE TABLE state_visit (
	centre BYTEA NOT NULL,
	id BYTEA NOT NULL,
	root BYTEA NOT NULL,
	rev BIGINT NOT NULL,
	deleted BIGINT NOT NULL DEFAULT 0,
	clock BYTEA NOT NULL,
	extra BYTEA,
	"job" BYTEA,
	"person" BYTEA,
	"started_at" BIGINT,
	"outcome" TEXT COLLATE "C",
	"uncertain_fix" BIGINT,
	"note" TEXT COLLATE "C",
	PRIMARY KEY (centre, id)
);

CREATE INDEX state_visit_parent ON state_visit (centre, "job");

CREATE TABLE state_visit_event (
	centre BYTEA NOT NULL,
	id BYTEA NOT NULL,
	root BYTEA NOT NULL,
	rev BIGINT NOT NULL,
	deleted BIGINT NOT NULL DEFAULT 0,
	clock BYTEA NOT NULL,
	extra BYTEA,
	"visit" BYTEA,
	"kind" TEXT COLLATE "C",
	"at" BIGINT,
	"detail" TEXT COLLATE "C",
	"standard_version" TEXT COLLATE "C",
	PRIMARY KEY (centre, id)
);

CREATE INDEX state_visit_event_parent ON state_visit_event (centre, "visit");

CREATE TABLE state_service_record (
	centre BYTEA NOT NULL,
	id BYTEA NOT NULL,
	root BYTEA NOT NULL,
	rev BIGINT NOT NULL,
	deleted BIGINT NOT NULL DEFAULT 0,
	clock BYTEA NOT NULL,
	extra BYTEA,
	"visit" BYTEA,
	"fault" TEXT COLLATE "C",
	"cause" TEXT COLLATE "C",
	"measure" TEXT COLLATE "C",
	"deferred" BIGINT,
	"deferred_due" BIGINT,
	"training_done" BIGINT,
	"restored" BIGINT,
	"cleaned" BIGINT,
	"warranty_card" BIGINT,
	PRIMARY KEY (centre, id)
);

CREATE INDEX state_service_record_parent ON state_service_record (centre, "visit");

CREATE TABLE state_defect (
	centre BYTEA NOT NULL,
	id BYTEA NOT NULL,
	root BYTEA NOT NULL,
	rev BIGINT NOT NULL,
	deleted BIGINT NOT NULL DEFAULT 0,
	clock BYTEA NOT NULL,
	extra BYTEA,
	"job" BYTEA,
	"visit" BYTEA,
	"no" BIGINT,
	"class" TEXT COLLATE "C",
	"text" TEXT COLLATE "C",
	"drawing_size" BIGINT,
	"actual_size" BIGINT,
	"item" BYTEA,
	"status" TEXT COLLATE "C",
	PRIMARY KEY (centre, id)
);

CREATE INDEX state_defect_parent ON state_defect (centre, "job");

CREATE TABLE state_photo (
	centre BYTEA NOT NULL,
	id BYTEA NOT NULL,
	root BYTEA NOT NULL,
	rev BIGINT NOT NULL,
	deleted BIGINT NOT NULL DEFAULT 0,
	clock BYTEA NOT NULL,
	extra BYTEA,
	"job" BYTEA,
	"visit" BYTEA,
	"defect" BYTEA,
	"role" TEXT COLLATE "C",
	"original" BYTEA,
	"original_size" BIGINT,
	"original_type" TEXT COLLATE "C",
	"preview" BYTEA,
	"preview_size" BIGINT,
	"width" BIGINT,
	"height" BIGINT,
	"orientation" BIGINT,
	"taken_at" BIGINT,
	"same_plane" BIGINT,
	"blur" BIGINT,
	"source" TEXT COLLATE "C",
	"note" TEXT COLLATE "C",
	"retake_of" BYTEA,
	PRIMARY KEY (centre, id)
);

CREATE INDEX state_photo_parent ON state_photo (centre, "job");

CREATE TABLE state_part_used (
	centre BYTEA NOT NULL,
	id BYTEA NOT NULL,
	root BYTEA NOT NULL,
	rev BIGINT NOT NULL,
	deleted BIGINT NOT NULL DEFAULT 0,
	clock BYTEA NOT NULL,
	extra BYTEA,
	"visit" BYTEA,
	"name" TEXT COLLATE "C",
	"serial" TEXT COLLATE "C",
	"quantity" BIGINT,
	"old_part_no" TEXT COLLATE "C",
	"old_part_missing" TEXT COLLATE "C",
	PRIMARY KEY (centre, id)
);

CREATE INDEX state_part_used_parent ON state_part_used (centre, "visit");

CREATE TABLE state_fee_line (
	centre BYTEA NOT NULL,
	id BYTEA NOT NULL,
	root BYTEA NOT NULL,
	rev BIGINT NOT NULL,
	deleted BIGINT NOT NULL DEFAULT 0,
	clock BYTEA NOT NULL,
	extra BYTEA,
	"visit" BYTEA,
	"item" TEXT COLLATE "C",
	"name" TEXT COLLATE "C",
	"standard_version" TEXT COLLATE "C",
	"quantity" BIGINT,
	"standard_price" BIGINT,
	"card_price" BIGINT,
	"charged" BIGINT,
	"currency" TEXT COLLATE "C",
	"basis" TEXT COLLATE "C",
	"reason" TEXT COLLATE "C",
	PRIMARY KEY (centre, id)
);

CREATE INDEX state_fee_line_parent ON state_fee_line (centre, "visit");

CREATE TABLE state_waiver (
	centre BYTEA NOT NULL,
	id BYTEA NOT NULL,
	root BYTEA NOT NULL,
	rev BIGINT NOT NULL,
	deleted BIGINT NOT NULL DEFAULT 0,
	clock BYTEA NOT NULL,
	extra BYTEA,
	"visit" BYTEA,
	"amount" BIGINT,
	"currency" TEXT COLLATE "C",
	"reason" TEXT COLLATE "C",
	"explained" BIGINT,
	"status" TEXT COLLATE "C",
	"decided_by" BYTEA,
	PRIMARY KEY (centre, id)
);

CREATE INDEX state_waiver_parent ON state_waiver (centre, "visit");

CREATE TABLE state_receipt (
	centre BYTEA NOT NULL,
	id BYTEA NOT NULL,
	root BYTEA NOT NULL,
	rev BIGINT NOT NULL,
	deleted BIGINT NOT NULL DEFAULT 0,
	clock BYTEA NOT NULL,
	extra BYTEA,
	"visit" BYTEA,
	"no" TEXT COLLATE "C",
	"amount" BIGINT,
	"currency" TEXT COLLATE "C",
	"payer" TEXT COLLATE "C",
	"way" TEXT COLLATE "C",
	"issued_at" BIGINT,
	"invoice" TEXT COLLATE "C",
	"void_of" BYTEA,
	PRIMARY KEY (centre, id)
);

CREATE INDEX state_receipt_parent ON state_receipt (centre, "visit");

CREATE TABLE state_rating (
	centre BYTEA NOT NULL,
	id BYTEA NOT NULL,
	root BYTEA NOT NULL,
	rev BIGINT NOT NULL,
	deleted BIGINT NOT NULL DEFAULT 0,
	clock BYTEA NOT NULL,
	extra BYTEA,
	"visit" BYTEA,
	"quality" BIGINT,
	"attitude" BIGINT,
	"comment" TEXT COLLATE "C",
	"handover" BIGINT,
	PRIMARY KEY (centre, id)
);

CREATE INDEX state_rating_parent ON state_rating (centre, "visit");

CREATE TABLE state_signature (
	centre BYTEA NOT NULL,
	id BYTEA NOT NULL,
	root BYTEA NOT NULL,
	rev BIGINT NOT NULL,
	deleted BIGINT NOT NULL DEFAULT 0,
	clock BYTEA NOT NULL,
	extra BYTEA,
	"visit" BYTEA,
	"signer" TEXT COLLATE "C",
	"outcome" TEXT COLLATE "C",
	"image" BYTEA,
	"image_size" BIGINT,
	"content_hash" BYTEA,
	"content" TEXT COLLATE "C",
	"reason" TEXT COLLATE "C",
	"at" BIGINT,
	PRIMARY KEY (centre, id)
);

CREATE INDEX state_signature_parent ON state_signature (centre, "visit");

CREATE TABLE state_visit_close (
	centre BYTEA NOT NULL,
	id BYTEA NOT NULL,
	root BYTEA NOT NULL,
	rev BIGINT NOT NULL,
	deleted BIGINT NOT NULL DEFAULT 0,
	clock BYTEA NOT NULL,
	extra BYTEA,
	"visit" BYTEA,
	"at" BIGINT,
	"rows" BIGINT,
	"photos" BIGINT,
	PRIMARY KEY (centre, id)
);

CREATE INDEX state_visit_close_parent ON state_visit_close (centre, "visit");

CREATE TABLE state_adjudication (
	centre BYTEA NOT NULL,
	id BYTEA NOT NULL,
	root BYTEA NOT NULL,
	rev BIGINT NOT NULL,
	deleted BIGINT NOT NULL DEFAULT 0,
	clock BYTEA NOT NULL,
	extra BYTEA,
	"defect" BYTEA,
	"verdict" TEXT COLLATE "C",
	"lacks" TEXT COLLATE "C",
	"wanted_role" TEXT COLLATE "C",
	"remedy" TEXT COLLATE "C",
	"reason" TEXT COLLATE "C",
	"text_store" TEXT COLLATE "C",
	"text_customer" TEXT COLLATE "C",
	"adjudicator" BYTEA,
	"at" BIGINT,
	"cost" BIGINT,
	"currency" TEXT COLLATE "C",
	PRIMARY KEY (centre, id)
);

CREATE INDEX state_adjudication_parent ON state_adjudication (centre, "defect");

CREATE TABLE state_responsibility (
	centre BYTEA NOT NULL,
	id BYTEA NOT NULL,
	root BYTEA NOT NULL,
	rev BIGINT NOT NULL,
	deleted BIGINT NOT NULL DEFAULT 0,
	clock BYTEA NOT NULL,
	extra BYTEA,
	"adjudication" BYTEA,
	"party" TEXT COLLATE "C",
	"percent" BIGINT,
	"reason" TEXT COLLATE "C",
	PRIMARY KEY (centre, id)
);

CREATE INDEX state_responsibility_parent ON state_responsibility (centre, "adjudication");

CREATE TABLE state_return_shipment (
	centre BYTEA NOT NULL,
	id BYTEA NOT NULL,
	root BYTEA NOT NULL,
	rev BIGINT NOT NULL,
	deleted BIGINT NOT NULL DEFAULT 0,
	clock BYTEA NOT NULL,
	extra BYTEA,
	"defect" BYTEA,
	"carrier" TEXT COLLATE "C",
	"cost" BIGINT,
	"currency" TEXT COLLATE "C",
	"sent_at" BIGINT,
	"received_at" BIGINT,
	"status" TEXT COLLATE "C",
	PRIMARY KEY (centre, id)
);

CREATE INDEX state_return_shipment_parent ON state_return_shipment (centre, "defect");

CREATE TABLE state_device (
	centre BYTEA NOT NULL,
	id BYTEA NOT NULL,
	root BYTEA NOT NULL,
	rev BIGINT NOT NULL,
	deleted BIGINT NOT NULL DEFAULT 0,
	clock BYTEA NOT NULL,
	extra BYTEA,
	"person" BYTEA,
	"platform" TEXT COLLATE "C",
	"model" TEXT COLLATE "C",
	"app" TEXT COLLATE "C",
	"public_key" BYTEA,
	"enrolled_at" BIGINT,
	"revoked_at" BIGINT,
	PRIMARY KEY (centre, id)
);

CREATE TABLE state_receipt_range (
	centre BYTEA NOT NULL,
	id BYTEA NOT NULL,
	root BYTEA NOT NULL,
	rev BIGINT NOT NULL,
	deleted BIGINT NOT NULL DEFAULT 0,
	clock BYTEA NOT NULL,
	extra BYTEA,
	"device" BYTEA,
	"prefix" TEXT COLLATE "C",
	"first" BIGINT,
	"last" BIGINT,
	"at" BIGINT,
	PRIMARY KEY (centre, id)
);

CREATE TABLE state_stored_blob (
	centre BYTEA NOT NULL,
	id BYTEA NOT NULL,
	root BYTEA NOT NULL,
	rev BIGINT NOT NULL,
	deleted BIGINT NOT NULL DEFAULT 0,
	clock BYTEA NOT NULL,
	extra BYTEA,
	"sha256" BYTEA,
	"size" BIGINT,
	"type" TEXT COLLATE "C",
	"purpose" TEXT COLLATE "C",
	"device" BYTEA,
	"at" BIGINT,
	PRIMARY KEY (centre, id)
);

CREATE TABLE state_instruction (
	centre BYTEA NOT NULL,
	id BYTEA NOT NULL,
	root BYTEA NOT NULL,
	rev BIGINT NOT NULL,
	deleted BIGINT NOT NULL DEFAULT 0,
	clock BYTEA NOT NULL,
	extra BYTEA,
	"person" BYTEA,
	"device" BYTEA,
	"kind" TEXT COLLATE "C",
	"args" TEXT COLLATE "C",
	"at" BIGINT,
	"withdrawn" BIGINT,
	PRIMARY KEY (centre, id)
);

CREATE TABLE state_decision (
	centre BYTEA NOT NULL,
	id BYTEA NOT NULL,
	root BYTEA NOT NULL,
	rev BIGINT NOT NULL,
	deleted BIGINT NOT NULL DEFAULT 0,
	clock BYTEA NOT NULL,
	extra BYTEA,
	"case" BYTEA,
	"verdict" TEXT COLLATE "C",
	"reason" TEXT COLLATE "C",
	"at" BIGINT,
	"by" BYTEA,
	PRIMARY KEY (centre, id)
);

CREATE INDEX state_job_status ON state_job (centre, status, slot_from);

CREATE INDEX state_assignment_person ON state_assignment (centre, person, active);

CREATE INDEX state_defect_status ON state_defect (status, centre);

CREATE INDEX state_photo_defect ON state_photo (centre, defect);

CREATE INDEX state_callback_job ON state_callback (centre, job);

CREATE INDEX state_receipt_no ON state_receipt (centre, "no");
