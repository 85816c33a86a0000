-- Cases for people: the intervals of records whose phone's clock is in doubt,
-- who has a case open at a desk, and the way from a decision to the one that
-- compensates it.
--
-- +goose Up

-- When a record with a doubtful time must have been made, in server time. Part
-- of the fold: a rebuild gives it again. stands: deadlines count by the
-- interval; 0 where a person decided that the phone's own time is right.
CREATE TABLE event_time (
	centre BYTEA NOT NULL,
	tbl TEXT COLLATE "C" NOT NULL,
	row BYTEA NOT NULL,
	col TEXT COLLATE "C" NOT NULL,
	root BYTEA NOT NULL,
	case_id BYTEA NOT NULL,
	wall BIGINT NOT NULL,
	earliest BIGINT NOT NULL,
	latest BIGINT NOT NULL,
	stands BIGINT NOT NULL DEFAULT 1,
	PRIMARY KEY (centre, tbl, row, col)
);

CREATE INDEX event_time_case ON event_time (centre, case_id);

-- Who looks at a case at this moment. Not part of the fold: it ends by itself.
CREATE TABLE case_claim (
	centre BYTEA NOT NULL,
	case_id BYTEA NOT NULL,
	person BYTEA NOT NULL,
	since BIGINT NOT NULL,
	until BIGINT NOT NULL,
	PRIMARY KEY (centre, case_id)
);

CREATE INDEX state_decision_case ON state_decision (centre, "case");

-- Who sees a job: those to take off it when it goes to somebody else.
CREATE INDEX membership_job ON membership (centre, job);
