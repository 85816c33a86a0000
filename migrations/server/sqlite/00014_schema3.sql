-- Schema version 3: the trade's form of a leftover problem, its drawings, the
-- remedy with its way through approval, and marks on photos; all of them the
-- office's, no phone sees them. And what headquarters' queue of all centres is
-- read by.
--
-- +goose Up

CREATE TABLE state_leftover_order (
	centre BLOB NOT NULL,
	id BLOB NOT NULL,
	root BLOB NOT NULL,
	rev INTEGER NOT NULL,
	deleted INTEGER NOT NULL DEFAULT 0,
	clock BLOB NOT NULL,
	extra BLOB,
	"job" BLOB,
	"defect" BLOB,
	"class" TEXT,
	"contract_no" TEXT,
	"customer" TEXT,
	"address" TEXT,
	"phone" TEXT,
	"order_time" INTEGER,
	"delivery_date" INTEGER,
	"judgement" TEXT,
	"change_content" TEXT,
	"material" TEXT,
	"edge_profile" TEXT,
	"edge_band" TEXT,
	"drawing_size" TEXT,
	"reason" TEXT,
	"at" INTEGER,
	"author" BLOB,
	PRIMARY KEY (centre, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE state_drawing_annex (
	centre BLOB NOT NULL,
	id BLOB NOT NULL,
	root BLOB NOT NULL,
	rev INTEGER NOT NULL,
	deleted INTEGER NOT NULL DEFAULT 0,
	clock BLOB NOT NULL,
	extra BLOB,
	"job" BLOB,
	"defect" BLOB,
	"name" TEXT,
	"file" BLOB,
	"file_size" INTEGER,
	"file_type" TEXT,
	"actual_size" INTEGER,
	"at" INTEGER,
	"author" BLOB,
	PRIMARY KEY (centre, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE state_remedy (
	centre BLOB NOT NULL,
	id BLOB NOT NULL,
	root BLOB NOT NULL,
	rev INTEGER NOT NULL,
	deleted INTEGER NOT NULL DEFAULT 0,
	clock BLOB NOT NULL,
	extra BLOB,
	"job" BLOB,
	"defect" BLOB,
	"adjudication" BLOB,
	"kind" TEXT,
	"proposal" TEXT,
	"status" TEXT,
	"decided_by" BLOB,
	"decided_at" INTEGER,
	"instruction" TEXT,
	"customer_answer" TEXT,
	"attempts" INTEGER,
	"customer_words" TEXT,
	"register_no" TEXT,
	"goods_at" INTEGER,
	"finance_at" INTEGER,
	"amount" INTEGER,
	"currency" TEXT,
	"at" INTEGER,
	PRIMARY KEY (centre, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE state_photo_mark (
	centre BLOB NOT NULL,
	id BLOB NOT NULL,
	root BLOB NOT NULL,
	rev INTEGER NOT NULL,
	deleted INTEGER NOT NULL DEFAULT 0,
	clock BLOB NOT NULL,
	extra BLOB,
	"job" BLOB,
	"defect" BLOB,
	"photo" BLOB,
	"shapes" TEXT,
	"at" INTEGER,
	"author" BLOB,
	PRIMARY KEY (centre, id)
) STRICT, WITHOUT ROWID;

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
