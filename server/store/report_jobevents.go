package store

import (
	"context"
	"database/sql"

	"github.com/google/uuid"

	"siteledger/syncproto/fieldwork"
)

// jobEvents gives what is known to have happened to each of the jobs, for
// their deadlines. Where a phone's clock is in doubt, what it wrote down
// happened in the interval that the server measured, whatever the clock said;
// else between what the clock said and what it says corrected by its error at
// the last contact (JL-20).
func jobEvents(ctx context.Context, tx *sql.Tx, centre uuid.UUID, ids []uuid.UUID) (map[uuid.UUID]fieldwork.Events, error) {
	out := map[uuid.UUID]fieldwork.Events{}
	if err := visitEvents(ctx, tx, centre, ids, out); err != nil {
		return nil, err
	}
	if err := visitEnds(ctx, tx, centre, ids, out); err != nil {
		return nil, err
	}
	return out, callEvents(ctx, tx, centre, ids, out)
}

// visitEvents reads the visits of the jobs first and then their events: CROSS
// JOIN holds SQLite to that order, else it would read the whole centre's.
func visitEvents(ctx context.Context, tx *sql.Tx, centre uuid.UUID, ids []uuid.UUID, out map[uuid.UUID]fieldwork.Events) error {
	w := &condition{}
	w.bind(centre[:])
	rows, err := tx.QueryContext(ctx, `
		SELECT v."job", e."kind", e."at", `+clockError+`, t.earliest, t.latest
		FROM state_visit v
		CROSS JOIN state_visit_event e
		`+doubted("visit_event", "e")+`
		WHERE v.centre = $1 AND v."job" IN `+w.in(ids)+` AND e.centre = v.centre AND e."visit" = v.id AND e.deleted = 0 AND e."kind" IN ('depart', 'arrive')
		ORDER BY e."at" DESC NULLS LAST`, w.args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var job []byte
		var kind string
		var at, off int64
		var in within
		if err := rows.Scan(&job, &kind, &at, &off, &in.earliest, &in.latest); err != nil {
			return err
		}
		id := idOf(job)
		ev := out[id]
		switch e := in.event(at, off); kind {
		case "depart":
			ev.Departed = e
		case "arrive":
			ev.Arrived = e
		}
		out[id] = ev
	}
	return rows.Err()
}

// clockError is by how much the clock of the visit's phone was ahead at its
// last contact: the widest of its person's phones.
const clockError = `COALESCE((
			SELECT MAX(l.clock_offset)
			FROM log l
			WHERE l.centre = v.centre AND l.person = v."person"
		), 0)`

// phoneEvent is an interval between both readings of a phone's clock.
func phoneEvent(at, off int64) *fieldwork.Event {
	return &fieldwork.Event{When: fieldwork.Interval{Earliest: min(at, at-off), Latest: max(at, at-off)}}
}

// doubted joins the interval of a record whose phone's clock is in doubt, where
// nobody has decided that the clock was right.
func doubted(table, alias string) string {
	return `LEFT JOIN event_time t ON t.centre = ` + alias + `.centre AND t.tbl = '` + table + `' AND t.row = ` + alias + `.id AND t.col = 'at' AND t.stands = 1`
}

// within is such an interval; null for a record that nobody doubts.
type within struct{ earliest, latest sql.NullInt64 }

func (w within) event(at, off int64) *fieldwork.Event {
	if w.earliest.Valid && w.latest.Valid {
		return &fieldwork.Event{When: fieldwork.Interval{Earliest: w.earliest.Int64, Latest: w.latest.Int64}}
	}
	return phoneEvent(at, off)
}

func visitEnds(ctx context.Context, tx *sql.Tx, centre uuid.UUID, ids []uuid.UUID, out map[uuid.UUID]fieldwork.Events) error {
	w := &condition{}
	w.bind(centre[:])
	rows, err := tx.QueryContext(ctx, `
		SELECT v."job", c."at", `+clockError+`, COALESCE(v."outcome", ''), t.earliest, t.latest
		FROM state_visit v
		CROSS JOIN state_visit_close c
		`+doubted("visit_close", "c")+`
		WHERE v.centre = $1 AND v."job" IN `+w.in(ids)+` AND c.centre = v.centre AND c."visit" = v.id AND c.deleted = 0
		ORDER BY c."at" NULLS FIRST`, w.args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var job []byte
		var at, off int64
		var outcome string
		var in within
		if err := rows.Scan(&job, &at, &off, &outcome, &in.earliest, &in.latest); err != nil {
			return err
		}
		id := idOf(job)
		ev := out[id]
		ev.Finished = in.event(at, off)
		if outcome == "solved" && ev.Solved == nil {
			ev.Solved = ev.Finished
		}
		out[id] = ev
	}
	return rows.Err()
}

func callEvents(ctx context.Context, tx *sql.Tx, centre uuid.UUID, ids []uuid.UUID, out map[uuid.UUID]fieldwork.Events) error {
	w := &condition{}
	w.bind(centre[:])
	rows, err := tx.QueryContext(ctx, `
		SELECT c."job", MIN(c."called_at")
		FROM state_callback c
		WHERE c.centre = $1 AND c."job" IN `+w.in(ids)+` AND c.deleted = 0 AND c."called_at" IS NOT NULL
		GROUP BY c."job"`, w.args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var job []byte
		var at int64
		if err := rows.Scan(&job, &at); err != nil {
			return err
		}
		ev := out[idOf(job)]
		ev.Called = &fieldwork.Event{When: fieldwork.At(at), Received: at}
		out[idOf(job)] = ev
	}
	return rows.Err()
}
