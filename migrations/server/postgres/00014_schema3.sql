-- Schema version 3: the trade's form of a leftover problem, its drawings, the
-- remedy with its way through approval, and marks on photos; all of them the
-- office's, no phone sees them. And what headquarters' queue of all centres is
-- read by.
--
-- +goose Up

CREATE TABLE state_leftover_order (
	centre BYTEA NOT NULL,
	id BYTEA NOT NULL,
	root BYTEA NOT NULL,
	rev BIGINT NOT NULL,
	deleted BIGINT NOT NULL DEFAULT 0,
	clock BYTEA NOT NULL,
	extra BYTEA,
	"job" BYTEA,
	"defect" BYTEA,
	"class" TEXT COLLATE "C",
	"contract_no" TEXT COLLATE "C",
	"customer" TEXT COLLATE "C",
	"address" TEXT COLLATE "C",
	"phone" TEXT COLLATE "C",
	"order_time" BIGINT,
	"delivery_date" BIGINT,
	"judgement" TEXT COLLATE "C",
	"change_content" TEXT COLLATE "C",
	"material" TEXT COLLATE "C",
	"edge_profile" TEXT COLLATE "C",
	"edge_band" TEXT COLLATE "C",
	"drawing_size" TEXT COLLATE "C",
	"reason" TEXT COLLATE "C",
	"at" BIGINT,
	"author" BYTEA,
	PRIMARY KEY (centre, id)
);

CREATE TABLE state_drawing_annex (
	centre BYTEA NOT NULL,
	id BYTEA NOT NULL,
	root BYTEA NOT NULL,
	rev BIGINT NOT NULL,
	deleted BIGINT NOT NULL DEFAULT 0,
	clock BYTEA NOT NULL,
	extra BYTEA,
	"job" BYTEA,
	"defect" BYTEA,
	"name" TEXT COLLATE "C",
	"file" BYTEA,
	"file_size" BIGINT,
	"file_type" TEXT COLLATE "C",
	"actual_size" BIGINT,
	"at" BIGINT,
	"author" BYTEA,
	PRIMARY KEY (centre, id)
);

CREATE TABLE state_remedy (
	centre BYTEA NOT NULL,
	id BYTEA NOT NULL,
	root BYTEA NOT NULL,
	rev BIGINT NOT NULL,
	deleted BIGINT NOT NULL DEFAULT 0,
	clock BYTEA NOT NULL,
	extra BYTEA,
	"job" BYTEA,
	"defect" BYTEA,
	"adjudication" BYTEA,
	"kind" TEXT COLLATE "C",
	"proposal" TEXT COLLATE "C",
	"status" TEXT COLLATE "C",
	"decided_by" BYTEA,
	"decided_at" BIGINT,
	"instruction" TEXT COLLATE "C",
	"customer_answer" TEXT COLLATE "C",
	"attempts" BIGINT,
	"customer_words" TEXT COLLATE "C",
	"register_no" TEXT COLLATE "C",
	"goods_at" BIGINT,
	"finance_at" BIGINT,
	"amount" BIGINT,
	"currency" TEXT COLLATE "C",
	"at" BIGINT,
	PRIMARY KEY (centre, id)
);

CREATE TABLE state_photo_mark (
	centre BYTEA NOT NULL,
	id BYTEA NOT NULL,
	root BYTEA NOT NULL,
	rev BIGINT NOT NULL,
	deleted BIGINT NOT NULL DEFAULT 0,
	clock BYTEA NOT NULL,
	extra BYTEA,
	"job" BYTEA,
	"defect" BYTEA,
	"photo" BYTEA,
	"shapes" TEXT COLLATE "C",
	"at" BIGINT,
	"author" BYTEA,
	PRIMARY KEY (centre, id)
);

CREATE INDEX state_leftover_order_defect ON state_leftover_order (centre, "defect");
CREATE INDEX state_drawing_annex_defect ON state_drawing_annex (centre, "defect");
CREATE INDEX state_remedy_defect ON state_remedy (centre, "defect");
CREATE INDEX state_photo_mark_defect ON state_photo_mark (centre, "defect");

-- Headquarters' queue, in its order, without reading what is judged; its past
-- verdicts by class, newest first; and what was decided since a day.
DROP INDEX state_defect_status;
CREATE INDEX state_defect_waiting ON state_defect (id, centre, "status") WHERE deleted = 0 AND "status" IN ('submitted', 'retake', 'returning');
CREATE INDEX state_defect_judged ON state_defect ("class", id, centre) WHERE deleted = 0 AND "status" = 'judged';
CREATE INDEX state_adjudication_at ON state_adjudication ("at", "verdict", "cost");
