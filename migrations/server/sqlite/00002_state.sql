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
	centre BLOB NOT NULL,
	id BLOB NOT NULL,
	root BLOB NOT NULL,
	rev INTEGER NOT NULL,
	deleted INTEGER NOT NULL DEFAULT 0,
	clock BLOB NOT NULL,
	extra BLOB,
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
	"approved" INTEGER,
	PRIMARY KEY (centre, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE state_script (
	centre BLOB NOT NULL,
	id BLOB NOT NULL,
	root BLOB NOT NULL,
	rev INTEGER NOT NULL,
	deleted INTEGER NOT NULL DEFAULT 0,
	clock BLOB NOT NULL,
	extra BLOB,
	"step" TEXT,
	"text" TEXT,
	"text_en" TEXT,
	"version" TEXT,
	PRIMARY KEY (centre, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE state_centre (
	centre BLOB NOT NULL,
	id BLOB NOT NULL,
	root BLOB NOT NULL,
	rev INTEGER NOT NULL,
	deleted INTEGER NOT NULL DEFAULT 0,
	clock BLOB NOT NULL,
	extra BLOB,
	"name" TEXT,
	"name_en" TEXT,
	"phone" TEXT,
	"hours" TEXT,
	"headquarters" INTEGER,
	PRIMARY KEY (centre, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE state_person (
	centre BLOB NOT NULL,
	id BLOB NOT NULL,
	root BLOB NOT NULL,
	rev INTEGER NOT NULL,
	deleted INTEGER NOT NULL DEFAULT 0,
	clock BLOB NOT NULL,
	extra BLOB,
	"name" TEXT,
	"login" TEXT,
	"role" TEXT,
	"phone" TEXT,
	"skills" TEXT,
	"active" INTEGER,
	"language" TEXT,
	PRIMARY KEY (centre, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE state_community (
	centre BLOB NOT NULL,
	id BLOB NOT NULL,
	root BLOB NOT NULL,
	rev INTEGER NOT NULL,
	deleted INTEGER NOT NULL DEFAULT 0,
	clock BLOB NOT NULL,
	extra BLOB,
	"name" TEXT,
	"quiet_from" INTEGER,
	"quiet_to" INTEGER,
	"gate_rule" TEXT,
	PRIMARY KEY (centre, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE state_instruction_ack (
	centre BLOB NOT NULL,
	id BLOB NOT NULL,
	root BLOB NOT NULL,
	rev INTEGER NOT NULL,
	deleted INTEGER NOT NULL DEFAULT 0,
	clock BLOB NOT NULL,
	extra BLOB,
	"instruction" BLOB,
	"state" TEXT,
	PRIMARY KEY (centre, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE state_day_summary (
	centre BLOB NOT NULL,
	id BLOB NOT NULL,
	root BLOB NOT NULL,
	rev INTEGER NOT NULL,
	deleted INTEGER NOT NULL DEFAULT 0,
	clock BLOB NOT NULL,
	extra BLOB,
	"day" TEXT,
	"text" TEXT,
	"plan" TEXT,
	PRIMARY KEY (centre, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE state_customer (
	centre BLOB NOT NULL,
	id BLOB NOT NULL,
	root BLOB NOT NULL,
	rev INTEGER NOT NULL,
	deleted INTEGER NOT NULL DEFAULT 0,
	clock BLOB NOT NULL,
	extra BLOB,
	"name" TEXT,
	"phone" TEXT,
	"address" TEXT,
	"community" BLOB,
	"opt_out" INTEGER,
	"note" TEXT,
	PRIMARY KEY (centre, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE state_contract (
	centre BLOB NOT NULL,
	id BLOB NOT NULL,
	root BLOB NOT NULL,
	rev INTEGER NOT NULL,
	deleted INTEGER NOT NULL DEFAULT 0,
	clock BLOB NOT NULL,
	extra BLOB,
	"customer" BLOB,
	"contract_no" TEXT,
	"store" TEXT,
	"designer" TEXT,
	"order_time" INTEGER,
	"delivery_date" INTEGER,
	"installed_at" INTEGER,
	"warranty_until" INTEGER,
	PRIMARY KEY (centre, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX state_contract_parent ON state_contract (centre, "customer");

CREATE TABLE state_contract_item (
	centre BLOB NOT NULL,
	id BLOB NOT NULL,
	root BLOB NOT NULL,
	rev INTEGER NOT NULL,
	deleted INTEGER NOT NULL DEFAULT 0,
	clock BLOB NOT NULL,
	extra BLOB,
	"contract" BLOB,
	"category" TEXT,
	"model" TEXT,
	"material" TEXT,
	"edge_profile" TEXT,
	"edge_band" TEXT,
	"drawing_size" TEXT,
	"serial" TEXT,
	PRIMARY KEY (centre, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX state_contract_item_parent ON state_contract_item (centre, "contract");

CREATE TABLE state_callback (
	centre BLOB NOT NULL,
	id BLOB NOT NULL,
	root BLOB NOT NULL,
	rev INTEGER NOT NULL,
	deleted INTEGER NOT NULL DEFAULT 0,
	clock BLOB NOT NULL,
	extra BLOB,
	"job" BLOB,
	"kind" TEXT,
	"due" INTEGER,
	"called_at" INTEGER,
	"attempts" INTEGER,
	"satisfied" INTEGER,
	"paid_said" INTEGER,
	"currency" TEXT,
	"filled_personally" INTEGER,
	"result" TEXT,
	"caller" BLOB,
	PRIMARY KEY (centre, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE state_inspection (
	centre BLOB NOT NULL,
	id BLOB NOT NULL,
	root BLOB NOT NULL,
	rev INTEGER NOT NULL,
	deleted INTEGER NOT NULL DEFAULT 0,
	clock BLOB NOT NULL,
	extra BLOB,
	"job" BLOB,
	"kind" TEXT,
	"done_at" INTEGER,
	"score" INTEGER,
	"inspector" BLOB,
	"note" TEXT,
	PRIMARY KEY (centre, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE state_complaint (
	centre BLOB NOT NULL,
	id BLOB NOT NULL,
	root BLOB NOT NULL,
	rev INTEGER NOT NULL,
	deleted INTEGER NOT NULL DEFAULT 0,
	clock BLOB NOT NULL,
	extra BLOB,
	"job" BLOB,
	"customer" BLOB,
	"matter" TEXT,
	"received_at" INTEGER,
	"layer" TEXT,
	"status" TEXT,
	"result" TEXT,
	PRIMARY KEY (centre, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE state_remittance (
	centre BLOB NOT NULL,
	id BLOB NOT NULL,
	root BLOB NOT NULL,
	rev INTEGER NOT NULL,
	deleted INTEGER NOT NULL DEFAULT 0,
	clock BLOB NOT NULL,
	extra BLOB,
	"person" BLOB,
	"receipt_no" TEXT,
	"amount" INTEGER,
	"currency" TEXT,
	"handed_at" INTEGER,
	PRIMARY KEY (centre, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE state_job (
	centre BLOB NOT NULL,
	id BLOB NOT NULL,
	root BLOB NOT NULL,
	rev INTEGER NOT NULL,
	deleted INTEGER NOT NULL DEFAULT 0,
	clock BLOB NOT NULL,
	extra BLOB,
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
	"complete" INTEGER,
	PRIMARY KEY (centre, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE state_job_contact (
	centre BLOB NOT NULL,
	id BLOB NOT NULL,
	root BLOB NOT NULL,
	rev INTEGER NOT NULL,
	deleted INTEGER NOT NULL DEFAULT 0,
	clock BLOB NOT NULL,
	extra BLOB,
	"job" BLOB,
	"name" TEXT,
	"phone" TEXT,
	"address" TEXT,
	"community" TEXT,
	"gate_rule" TEXT,
	"quiet_from" INTEGER,
	"quiet_to" INTEGER,
	"note" TEXT,
	PRIMARY KEY (centre, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX state_job_contact_parent ON state_job_contact (centre, "job");

CREATE TABLE state_job_item (
	centre BLOB NOT NULL,
	id BLOB NOT NULL,
	root BLOB NOT NULL,
	rev INTEGER NOT NULL,
	deleted INTEGER NOT NULL DEFAULT 0,
	clock BLOB NOT NULL,
	extra BLOB,
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
	"warranty_until" INTEGER,
	PRIMARY KEY (centre, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX state_job_item_parent ON state_job_item (centre, "job");

CREATE TABLE state_job_history (
	centre BLOB NOT NULL,
	id BLOB NOT NULL,
	root BLOB NOT NULL,
	rev INTEGER NOT NULL,
	deleted INTEGER NOT NULL DEFAULT 0,
	clock BLOB NOT NULL,
	extra BLOB,
	"job" BLOB,
	"at" INTEGER,
	"job_no" TEXT,
	"summary" TEXT,
	PRIMARY KEY (centre, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX state_job_history_parent ON state_job_history (centre, "job");

CREATE TABLE state_assignment (
	centre BLOB NOT NULL,
	id BLOB NOT NULL,
	root BLOB NOT NULL,
	rev INTEGER NOT NULL,
	deleted INTEGER NOT NULL DEFAULT 0,
	clock BLOB NOT NULL,
	extra BLOB,
	"job" BLOB,
	"person" BLOB,
	"lead" INTEGER,
	"active" INTEGER,
	"reason" TEXT,
	PRIMARY KEY (centre, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX state_assignment_parent ON state_assignment (centre, "job");

CREATE TABLE state_note (
	centre BLOB NOT NULL,
	id BLOB NOT NULL,
	root BLOB NOT NULL,
	rev INTEGER NOT NULL,
	deleted INTEGER NOT NULL DEFAULT 0,
	clock BLOB NOT NULL,
	extra BLOB,
	"job" BLOB,
	"kind" TEXT,
	"text" TEXT,
	"at" INTEGER,
	"author" BLOB,
	PRIMARY KEY (centre, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX state_note_parent ON state_note (centre, "job");

CREATE TABLE state_visit (
	centre BLOB NOT NULL,
	id BLOB NOT NULL,
	root BLOB NOT NULL,
	rev INTEGER NOT NULL,
	deleted INTEGER NOT NULL DEFAULT 0,
	clock BLOB NOT NULL,
	extra BLOB,
	"job" BLOB,
	"person" BLOB,
	"started_at" INTEGER,
	"outcome" TEXT,
	"uncertain_fix" INTEGER,
	"note" TEXT,
	PRIMARY KEY (centre, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX state_visit_parent ON state_visit (centre, "job");

CREATE TABLE state_visit_event (
	centre BLOB NOT NULL,
	id BLOB NOT NULL,
	root BLOB NOT NULL,
	rev INTEGER NOT NULL,
	deleted INTEGER NOT NULL DEFAULT 0,
	clock BLOB NOT NULL,
	extra BLOB,
	"visit" BLOB,
	"kind" TEXT,
	"at" INTEGER,
	"detail" TEXT,
	"standard_version" TEXT,
	PRIMARY KEY (centre, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX state_visit_event_parent ON state_visit_event (centre, "visit");

CREATE TABLE state_service_record (
	centre BLOB NOT NULL,
	id BLOB NOT NULL,
	root BLOB NOT NULL,
	rev INTEGER NOT NULL,
	deleted INTEGER NOT NULL DEFAULT 0,
	clock BLOB NOT NULL,
	extra BLOB,
	"visit" BLOB,
	"fault" TEXT,
	"cause" TEXT,
	"measure" TEXT,
	"deferred" INTEGER,
	"deferred_due" INTEGER,
	"training_done" INTEGER,
	"restored" INTEGER,
	"cleaned" INTEGER,
	"warranty_card" INTEGER,
	PRIMARY KEY (centre, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX state_service_record_parent ON state_service_record (centre, "visit");

CREATE TABLE state_defect (
	centre BLOB NOT NULL,
	id BLOB NOT NULL,
	root BLOB NOT NULL,
	rev INTEGER NOT NULL,
	deleted INTEGER NOT NULL DEFAULT 0,
	clock BLOB NOT NULL,
	extra BLOB,
	"job" BLOB,
	"visit" BLOB,
	"no" INTEGER,
	"class" TEXT,
	"text" TEXT,
	"drawing_size" INTEGER,
	"actual_size" INTEGER,
	"item" BLOB,
	"status" TEXT,
	PRIMARY KEY (centre, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX state_defect_parent ON state_defect (centre, "job");

CREATE TABLE state_photo (
	centre BLOB NOT NULL,
	id BLOB NOT NULL,
	root BLOB NOT NULL,
	rev INTEGER NOT NULL,
	deleted INTEGER NOT NULL DEFAULT 0,
	clock BLOB NOT NULL,
	extra BLOB,
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
	"retake_of" BLOB,
	PRIMARY KEY (centre, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX state_photo_parent ON state_photo (centre, "job");

CREATE TABLE state_part_used (
	centre BLOB NOT NULL,
	id BLOB NOT NULL,
	root BLOB NOT NULL,
	rev INTEGER NOT NULL,
	deleted INTEGER NOT NULL DEFAULT 0,
	clock BLOB NOT NULL,
	extra BLOB,
	"visit" BLOB,
	"name" TEXT,
	"serial" TEXT,
	"quantity" INTEGER,
	"old_part_no" TEXT,
	"old_part_missing" TEXT,
	PRIMARY KEY (centre, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX state_part_used_parent ON state_part_used (centre, "visit");

CREATE TABLE state_fee_line (
	centre BLOB NOT NULL,
	id BLOB NOT NULL,
	root BLOB NOT NULL,
	rev INTEGER NOT NULL,
	deleted INTEGER NOT NULL DEFAULT 0,
	clock BLOB NOT NULL,
	extra BLOB,
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
	"reason" TEXT,
	PRIMARY KEY (centre, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX state_fee_line_parent ON state_fee_line (centre, "visit");

CREATE TABLE state_waiver (
	centre BLOB NOT NULL,
	id BLOB NOT NULL,
	root BLOB NOT NULL,
	rev INTEGER NOT NULL,
	deleted INTEGER NOT NULL DEFAULT 0,
	clock BLOB NOT NULL,
	extra BLOB,
	"visit" BLOB,
	"amount" INTEGER,
	"currency" TEXT,
	"reason" TEXT,
	"explained" INTEGER,
	"status" TEXT,
	"decided_by" BLOB,
	PRIMARY KEY (centre, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX state_waiver_parent ON state_waiver (centre, "visit");

CREATE TABLE state_receipt (
	centre BLOB NOT NULL,
	id BLOB NOT NULL,
	root BLOB NOT NULL,
	rev INTEGER NOT NULL,
	deleted INTEGER NOT NULL DEFAULT 0,
	clock BLOB NOT NULL,
	extra BLOB,
	"visit" BLOB,
	"no" TEXT,
	"amount" INTEGER,
	"currency" TEXT,
	"payer" TEXT,
	"way" TEXT,
	"issued_at" INTEGER,
	"invoice" TEXT,
	"void_of" BLOB,
	PRIMARY KEY (centre, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX state_receipt_parent ON state_receipt (centre, "visit");

CREATE TABLE state_rating (
	centre BLOB NOT NULL,
	id BLOB NOT NULL,
	root BLOB NOT NULL,
	rev INTEGER NOT NULL,
	deleted INTEGER NOT NULL DEFAULT 0,
	clock BLOB NOT NULL,
	extra BLOB,
	"visit" BLOB,
	"quality" INTEGER,
	"attitude" INTEGER,
	"comment" TEXT,
	"handover" INTEGER,
	PRIMARY KEY (centre, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX state_rating_parent ON state_rating (centre, "visit");

CREATE TABLE state_signature (
	centre BLOB NOT NULL,
	id BLOB NOT NULL,
	root BLOB NOT NULL,
	rev INTEGER NOT NULL,
	deleted INTEGER NOT NULL DEFAULT 0,
	clock BLOB NOT NULL,
	extra BLOB,
	"visit" BLOB,
	"signer" TEXT,
	"outcome" TEXT,
	"image" BLOB,
	"image_size" INTEGER,
	"content_hash" BLOB,
	"content" TEXT,
	"reason" TEXT,
	"at" INTEGER,
	PRIMARY KEY (centre, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX state_signature_parent ON state_signature (centre, "visit");

CREATE TABLE state_visit_close (
	centre BLOB NOT NULL,
	id BLOB NOT NULL,
	root BLOB NOT NULL,
	rev INTEGER NOT NULL,
	deleted INTEGER NOT NULL DEFAULT 0,
	clock BLOB NOT NULL,
	extra BLOB,
	"visit" BLOB,
	"at" INTEGER,
	"rows" INTEGER,
	"photos" INTEGER,
	PRIMARY KEY (centre, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX state_visit_close_parent ON state_visit_close (centre, "visit");

CREATE TABLE state_adjudication (
	centre BLOB NOT NULL,
	id BLOB NOT NULL,
	root BLOB NOT NULL,
	rev INTEGER NOT NULL,
	deleted INTEGER NOT NULL DEFAULT 0,
	clock BLOB NOT NULL,
	extra BLOB,
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
	"currency" TEXT,
	PRIMARY KEY (centre, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX state_adjudication_parent ON state_adjudication (centre, "defect");

CREATE TABLE state_responsibility (
	centre BLOB NOT NULL,
	id BLOB NOT NULL,
	root BLOB NOT NULL,
	rev INTEGER NOT NULL,
	deleted INTEGER NOT NULL DEFAULT 0,
	clock BLOB NOT NULL,
	extra BLOB,
	"adjudication" BLOB,
	"party" TEXT,
	"percent" INTEGER,
	"reason" TEXT,
	PRIMARY KEY (centre, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX state_responsibility_parent ON state_responsibility (centre, "adjudication");

CREATE TABLE state_return_shipment (
	centre BLOB NOT NULL,
	id BLOB NOT NULL,
	root BLOB NOT NULL,
	rev INTEGER NOT NULL,
	deleted INTEGER NOT NULL DEFAULT 0,
	clock BLOB NOT NULL,
	extra BLOB,
	"defect" BLOB,
	"carrier" TEXT,
	"cost" INTEGER,
	"currency" TEXT,
	"sent_at" INTEGER,
	"received_at" INTEGER,
	"status" TEXT,
	PRIMARY KEY (centre, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX state_return_shipment_parent ON state_return_shipment (centre, "defect");

CREATE TABLE state_device (
	centre BLOB NOT NULL,
	id BLOB NOT NULL,
	root BLOB NOT NULL,
	rev INTEGER NOT NULL,
	deleted INTEGER NOT NULL DEFAULT 0,
	clock BLOB NOT NULL,
	extra BLOB,
	"person" BLOB,
	"platform" TEXT,
	"model" TEXT,
	"app" TEXT,
	"public_key" BLOB,
	"enrolled_at" INTEGER,
	"revoked_at" INTEGER,
	PRIMARY KEY (centre, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE state_receipt_range (
	centre BLOB NOT NULL,
	id BLOB NOT NULL,
	root BLOB NOT NULL,
	rev INTEGER NOT NULL,
	deleted INTEGER NOT NULL DEFAULT 0,
	clock BLOB NOT NULL,
	extra BLOB,
	"device" BLOB,
	"prefix" TEXT,
	"first" INTEGER,
	"last" INTEGER,
	"at" INTEGER,
	PRIMARY KEY (centre, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE state_stored_blob (
	centre BLOB NOT NULL,
	id BLOB NOT NULL,
	root BLOB NOT NULL,
	rev INTEGER NOT NULL,
	deleted INTEGER NOT NULL DEFAULT 0,
	clock BLOB NOT NULL,
	extra BLOB,
	"sha256" BLOB,
	"size" INTEGER,
	"type" TEXT,
	"purpose" TEXT,
	"device" BLOB,
	"at" INTEGER,
	PRIMARY KEY (centre, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE state_instruction (
	centre BLOB NOT NULL,
	id BLOB NOT NULL,
	root BLOB NOT NULL,
	rev INTEGER NOT NULL,
	deleted INTEGER NOT NULL DEFAULT 0,
	clock BLOB NOT NULL,
	extra BLOB,
	"person" BLOB,
	"device" BLOB,
	"kind" TEXT,
	"args" TEXT,
	"at" INTEGER,
	"withdrawn" INTEGER,
	PRIMARY KEY (centre, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE state_decision (
	centre BLOB NOT NULL,
	id BLOB NOT NULL,
	root BLOB NOT NULL,
	rev INTEGER NOT NULL,
	deleted INTEGER NOT NULL DEFAULT 0,
	clock BLOB NOT NULL,
	extra BLOB,
	"case" BLOB,
	"verdict" TEXT,
	"reason" TEXT,
	"at" INTEGER,
	"by" BLOB,
	PRIMARY KEY (centre, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX state_job_status ON state_job (centre, status, slot_from);

CREATE INDEX state_assignment_person ON state_assignment (centre, person, active);

CREATE INDEX state_defect_status ON state_defect (status, centre);

CREATE INDEX state_photo_defect ON state_photo (centre, defect);

CREATE INDEX state_callback_job ON state_callback (centre, job);

CREATE INDEX state_receipt_no ON state_receipt (centre, "no");
