-- Cases for people: the intervals of records whose phone's clock is in doubt,
-- who has a case open at a desk, and the way from a decision to the one that
-- compensates it.
--
-- +goose Up

-- When a record with a doubtful time must have been made, in server time. Part
-- of the fold: a rebuild gives it again. stands: deadlines count by the
-- interval; 0 where a person decided that the phone's own time is right.
CREATE TABLE event_time (
	centre BLOB NOT NULL,
	tbl TEXT NOT NULL,
	row BLOB NOT NULL,
	col TEXT NOT NULL,
	root BLOB NOT NULL,
	case_id BLOB NOT NULL,
	wall INTEGER NOT NULL,
	earliest INTEGER NOT NULL,
	latest INTEGER NOT NULL,
	stands INTEGER NOT NULL DEFAULT 1,
	PRIMARY KEY (centre, tbl, row, col)
) STRICT, WITHOUT ROWID;

CREATE INDEX event_time_case ON event_time (centre, case_id);

-- Who looks at a case at this moment. Not part of the fold: it ends by itself.
CREATE TABLE case_claim (
	centre BLOB NOT NULL,
	case_id BLOB NOT NULL,
	person BLOB NOT NULL,
	since INTEGER NOT NULL,
	until INTEGER NOT NULL,
	PRIMARY KEY (centre, case_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX state_decision_case ON state_decision (centre, "case");

-- Who sees a job: those to take off it when it goes to somebody else.
CREATE INDEX membership_job ON membership (centre, job);
