package store

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"siteledger/server/reconcile"
	"siteledger/server/report"
	"siteledger/syncproto/fieldwork"
	"siteledger/syncproto/schema"
)

// jobLineColumns are what scanJobLine reads of a job and its contact. A job
// has one contact; were there more, the oldest counts.
const jobLineColumns = `
	j.id, j.rev, COALESCE(j."job_no", ''), COALESCE(j."kind", ''), COALESCE(j."channel", ''), COALESCE(j."status", ''),
	COALESCE(j."warranty", ''), COALESCE(j."asked_work", ''), COALESCE(j."contract_no", ''), COALESCE(j."product", ''),
	COALESCE(j."intake_at", 0), COALESCE(j."answered_at", 0), COALESCE(j."slot_from", 0), COALESCE(j."slot_to", 0),
	COALESCE(j."registered_at", 0), COALESCE(j."found_on_spot", 0), COALESCE(j."complete", 0),
	COALESCE(c."name", ''), COALESCE(c."phone", ''), COALESCE(c."address", ''), COALESCE(c."community", '')`

// incomplete is a job j to which something is still to come: a visit's closing
// row, a file that is on a phone only, a decision. What is still out in a centre
// is looked for in these alone, so that it costs the same after years. The words
// are those of the index state_job_incomplete.
const incomplete = `j.deleted = 0 AND COALESCE(j."complete", 0) = 0`

// jobLineTables joins a job with its contact.
const jobLineTables = `
	FROM state_job j
	LEFT JOIN state_job_contact c ON c.centre = j.centre AND c.id = (
		SELECT x.id
		FROM state_job_contact x
		WHERE x.centre = j.centre AND x."job" = j.id AND x.deleted = 0
		ORDER BY x.id
		LIMIT 1
	)`

func scanJobLine(rows scanner) (report.JobLine, error) {
	var j report.JobLine
	var id []byte
	var rev int64
	err := rows.Scan(&id, &rev, &j.JobNo, &j.Kind, &j.Channel, &j.Status, &j.Warranty, &j.AskedWork, &j.ContractNo, &j.Product,
		&j.IntakeAt, &j.AnsweredAt, &j.SlotFrom, &j.SlotTo, &j.Registered, &j.FoundOnSpot, &j.Complete,
		&j.Customer, &j.Phone, &j.Address, &j.Community)
	copy(j.ID[:], id)
	j.Rev = uint64(rev)
	return j, err
}

// condition is a WHERE under construction; binds are numbered as they come.
type condition struct {
	parts []string
	args  []any
}

func (w *condition) bind(v any) string {
	if text, ok := v.(string); ok {
		v = storable(text)
	}
	w.args = append(w.args, v)
	return fmt.Sprintf("$%d", len(w.args))
}

func (w *condition) add(format string, values ...any) {
	names := make([]any, len(values))
	for i, v := range values {
		names[i] = w.bind(v)
	}
	w.parts = append(w.parts, fmt.Sprintf(format, names...))
}

// in binds each id of a list; an empty one matches nothing.
func (w *condition) in(ids []uuid.UUID) string {
	if len(ids) == 0 {
		return "(NULL)"
	}
	names := make([]string, len(ids))
	for i := range ids {
		names[i] = w.bind(ids[i][:])
	}
	return "(" + strings.Join(names, ", ") + ")"
}

func (w *condition) text() string { return strings.Join(w.parts, "\n\t\t\tAND ") }

// longestSlot is how far back a slot may begin that is not over yet: desks
// agree twelve hours at most. In milliseconds.
const longestSlot = 31 * 24 * 3600_000

const onCrew = `EXISTS (
				SELECT 1
				FROM state_assignment a
				WHERE a.centre = j.centre AND a."job" = j.id AND a."active" = 1 AND a.deleted = 0`

// jobCondition turns a filter into SQL.
func jobCondition(centre uuid.UUID, f report.JobFilter) *condition {
	w := &condition{}
	w.add("j.centre = %s", centre[:])
	w.parts = append(w.parts, "j.deleted = 0")
	if len(f.Statuses) > 0 {
		names := make([]string, len(f.Statuses))
		for i, s := range f.Statuses {
			names[i] = w.bind(s)
		}
		w.parts = append(w.parts, `j."status" IN (`+strings.Join(names, ", ")+")")
	}
	if f.Kind != "" {
		w.add(`j."kind" = %s`, f.Kind)
	}
	if f.From != 0 {
		w.add(`COALESCE(j."slot_from", j."intake_at") >= %s`, f.From)
	}
	if f.To != 0 {
		w.add(`COALESCE(j."slot_from", j."intake_at") < %s`, f.To)
	}
	if f.SlotTo != 0 {
		w.add(`j."slot_from" < %s AND COALESCE(j."slot_to", j."slot_from" + 1) > %s
			AND COALESCE(j."slot_from", j."intake_at") < %s AND COALESCE(j."slot_from", j."intake_at") > %s`,
			f.SlotTo, f.SlotFrom, f.SlotTo, f.SlotFrom-longestSlot)
	}
	if f.Person != uuid.Nil {
		w.add(`j.id IN (
				SELECT a."job"
				FROM state_assignment a
				WHERE a.centre = j.centre AND a."person" = %s AND a."active" = 1 AND a.deleted = 0
			)`, f.Person[:])
	}
	if f.Customer != uuid.Nil {
		w.add(`j."customer" = %s`, f.Customer[:])
	}
	if f.IDs != nil {
		w.parts = append(w.parts, "j.id IN "+w.in(f.IDs))
	}
	if f.Incomplete {
		w.parts = append(w.parts, `j."status" IN ('finished', 'registered', 'closed') AND `+incomplete)
	}
	if f.Unassigned {
		w.parts = append(w.parts, "NOT "+onCrew+"\n\t\t\t)")
	}
	if f.NoSlot {
		w.parts = append(w.parts, `j."slot_from" IS NULL`)
	}
	return w
}

// countTo is how far the rows of a long list are counted, and so can be leafed
// through; who looks for more than that filters or searches.
const countTo = 10_000

// Jobs satisfies report.Jobs.
func (s *Store) Jobs(ctx context.Context, centre uuid.UUID, f report.JobFilter, now time.Time) ([]report.JobLine, int, error) {
	if f.Limit <= 0 {
		f.Limit = 200
	}
	var out []report.JobLine
	var total int
	err := s.View(ctx, func(tx *sql.Tx) error {
		w := jobCondition(centre, f)
		if err := tx.QueryRowContext(ctx, `
			SELECT COUNT(*)
			FROM (
				SELECT 1
				FROM state_job j
				WHERE `+w.text()+`
				LIMIT `+strconv.Itoa(countTo)+`
			) AS counted`, w.args...).Scan(&total); err != nil {
			return err
		}
		var err error
		out, err = s.jobLines(ctx, tx, centre, w, f.Limit, f.Offset, now)
		return err
	})
	if err != nil {
		return nil, 0, fmt.Errorf("list jobs: %w", err)
	}
	return out, total, nil
}

func (s *Store) jobLines(ctx context.Context, tx *sql.Tx, centre uuid.UUID, w *condition, limit, offset int, now time.Time) ([]report.JobLine, error) {
	text := "SELECT" + jobLineColumns + jobLineTables + `
		WHERE ` + w.text() + `
		ORDER BY COALESCE(j."slot_from", j."intake_at") DESC NULLS LAST, j.id DESC
		LIMIT ` + w.bind(int64(limit)) + " OFFSET " + w.bind(int64(offset))
	rows, err := tx.QueryContext(ctx, s.likes(text), w.args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []report.JobLine
	for rows.Next() {
		j, err := scanJobLine(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, j)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	return out, s.fillJobLines(ctx, tx, centre, out, now)
}

// fillJobLines adds crews, counts and deadlines to a page of jobs.
func (s *Store) fillJobLines(ctx context.Context, tx *sql.Tx, centre uuid.UUID, lines []report.JobLine, now time.Time) error {
	if len(lines) == 0 {
		return nil
	}
	at := make(map[uuid.UUID]*report.JobLine, len(lines))
	ids := make([]uuid.UUID, len(lines))
	for i := range lines {
		at[lines[i].ID], ids[i] = &lines[i], lines[i].ID
	}
	assigned, err := s.fillCrews(ctx, tx, centre, ids, at)
	if err != nil {
		return fmt.Errorf("crews: %w", err)
	}
	if err := fillCounts(ctx, tx, centre, ids, at); err != nil {
		return fmt.Errorf("counts: %w", err)
	}
	events, err := jobEvents(ctx, tx, centre, ids)
	if err != nil {
		return fmt.Errorf("events: %w", err)
	}
	for i := range lines {
		j := &lines[i]
		row := schema.Row{Table: "job", ID: j.ID, Cols: map[string]any{"kind": j.Kind, "channel": j.Channel, "status": j.Status,
			"intake_at": j.IntakeAt, "answered_at": j.AnsweredAt, "slot_from": j.SlotFrom, "registered_at": j.Registered}}
		ev := events[j.ID]
		if at := assigned[j.ID]; at != 0 {
			ev.Assigned = &fieldwork.Event{When: fieldwork.At(at), Received: at}
			// A slot agreed with somebody sent is a promise with a date and an
			// owner (JL-04).
			if j.SlotFrom != 0 && j.AnsweredAt != 0 {
				at = max(at, j.AnsweredAt)
				ev.Promised = &fieldwork.Event{When: fieldwork.At(at), Received: at}
			}
		}
		j.Clocks = fieldwork.Clocks(row, ev, now.UnixMilli(), report.Policy())
	}
	return nil
}

// fillCrews adds the active crews, and says when each job was first given to
// somebody, by the server's clock.
func (s *Store) fillCrews(ctx context.Context, tx *sql.Tx, centre uuid.UUID, ids []uuid.UUID, at map[uuid.UUID]*report.JobLine) (map[uuid.UUID]int64, error) {
	w := &condition{}
	w.add("a.centre = %s", centre[:])
	rows, err := tx.QueryContext(ctx, `
		SELECT a."job", a."person", COALESCE(p."name", ''), COALESCE(a."lead", 0), COALESCE(a."active", 0), a.clock
		FROM state_assignment a
		LEFT JOIN state_person p ON p.centre = a.centre AND p.id = a."person"
		WHERE `+w.text()+` AND a."job" IN `+w.in(ids)+` AND a.deleted = 0
		ORDER BY a."lead" DESC NULLS LAST, a.id`, w.args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	assigned := map[uuid.UUID]int64{}
	for rows.Next() {
		var c report.Crew
		var job, person, clock []byte
		var active bool
		if err := rows.Scan(&job, &person, &c.Name, &c.Lead, &active, &clock); err != nil {
			return nil, err
		}
		copy(c.Person[:], person)
		j := at[idOf(job)]
		if j == nil {
			continue
		}
		if active {
			j.Crew = append(j.Crew, c)
		}
		ck, err := reconcile.DecodeClock(s.d.Table("assignment"), clock)
		if err != nil {
			return nil, err
		}
		if st, ok := ck.Stamp("person"); ok && (assigned[j.ID] == 0 || st.Received < assigned[j.ID]) {
			assigned[j.ID] = st.Received
		}
	}
	return assigned, rows.Err()
}

func fillCounts(ctx context.Context, tx *sql.Tx, centre uuid.UUID, ids []uuid.UUID, at map[uuid.UUID]*report.JobLine) error {
	count := func(text string, into func(*report.JobLine, int)) error {
		w := &condition{}
		w.bind(centre[:])
		rows, err := tx.QueryContext(ctx, strings.Replace(text, "@ids", w.in(ids), 1), w.args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var job []byte
			var n int
			if err := rows.Scan(&job, &n); err != nil {
				return err
			}
			if j := at[idOf(job)]; j != nil {
				into(j, n)
			}
		}
		return rows.Err()
	}
	if err := count(`
		SELECT c.root, COUNT(*)
		FROM case_file c
		WHERE c.centre = $1 AND c.root IN @ids AND c.state = 'open'
		GROUP BY c.root`, func(j *report.JobLine, n int) { j.OpenCases = n }); err != nil {
		return err
	}
	return count(`
		SELECT r.root, COUNT(DISTINCT r.sha256)
		FROM blob_ref r
		WHERE r.centre = $1 AND r.root IN @ids
			AND NOT EXISTS (SELECT 1 FROM blob_present p WHERE p.centre = r.centre AND p.sha256 = r.sha256)
		GROUP BY r.root`, func(j *report.JobLine, n int) { j.PhotosOut = n })
}

func idOf(b []byte) uuid.UUID {
	var id uuid.UUID
	copy(id[:], b)
	return id
}
