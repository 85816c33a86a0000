package store

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/google/uuid"

	"siteledger/server/reconcile"
	"siteledger/syncproto/schema"
)

const (
	heldColumns = `device, epoch, seq, txn, root, case_id, body, received_at`
	heldByLog   = `
		SELECT ` + heldColumns + `
		FROM held
		WHERE centre = $1 AND device = $2 AND epoch = $3
		ORDER BY seq`
	heldByCase = `
		SELECT ` + heldColumns + `
		FROM held
		WHERE centre = $1 AND case_id = $2
		ORDER BY device, epoch, seq`
	heldAdd = `
		INSERT INTO held (centre, device, epoch, seq, txn, root, case_id, body, received_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
		ON CONFLICT (centre, device, epoch, seq) DO UPDATE SET case_id = excluded.case_id`
	heldDrop = `
		DELETE FROM held
		WHERE centre = $1 AND device = $2 AND epoch = $3 AND seq = $4`
	caseByID = `
		SELECT kind, root, tbl, row, col, blocking, opened_at, opened_rev, sides, state, verdict, decided_by, decided_at, reason
		FROM case_file
		WHERE centre = $1 AND id = $2`
	caseSave = `
		INSERT INTO case_file (centre, id, kind, root, tbl, row, col, blocking, opened_at, opened_rev, sides, state, verdict, decided_by, decided_at, reason)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
		ON CONFLICT (centre, id) DO UPDATE SET
			sides = excluded.sides,
			state = excluded.state,
			verdict = excluded.verdict,
			decided_by = excluded.decided_by,
			decided_at = excluded.decided_at,
			reason = excluded.reason`
	memberByID = `
		SELECT joined_rev, left_rev
		FROM membership
		WHERE centre = $1 AND person = $2 AND job = $3`
	memberSave = `
		INSERT INTO membership (centre, person, job, joined_rev, left_rev)
		VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (centre, person, job) DO UPDATE SET joined_rev = excluded.joined_rev, left_rev = excluded.left_rev`
	evidence = `
		SELECT
			(SELECT count(*) FROM state_visit v WHERE v.centre = $1 AND v.job = $2 AND v.deleted = 0),
			(SELECT count(*) FROM state_visit v WHERE v.centre = $1 AND v.job = $2 AND v.deleted = 0
				AND NOT EXISTS (SELECT 1 FROM state_visit_close c WHERE c.centre = v.centre AND c.visit = v.id AND c.deleted = 0)),
			(SELECT count(*) FROM blob_ref b WHERE b.centre = $1 AND b.root = $2
				AND NOT EXISTS (SELECT 1 FROM blob_present p WHERE p.centre = b.centre AND p.sha256 = b.sha256)),
			(SELECT count(*) FROM case_file f WHERE f.centre = $1 AND f.root = $2 AND f.state = 'open' AND f.blocking = 1)`
	blobRoots = `
		SELECT DISTINCT root
		FROM blob_ref
		WHERE centre = $1 AND sha256 = $2
		ORDER BY root`
	refAdd = `
		INSERT INTO blob_ref (centre, sha256, root, tbl, row, col, purpose)
		VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT DO NOTHING`
	presentAdd = `
		INSERT INTO blob_present (centre, sha256, size, rev)
		VALUES ($1, $2, $3, $4)
		ON CONFLICT DO NOTHING`
	outcomeAdd = `
		INSERT INTO outcome (centre, device, epoch, seq, code, reason, case_id)
		VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT DO NOTHING`
	loserAdd = `
		INSERT INTO loser (centre, tbl, row, col, rev, rule, value, actor, device, epoch, seq, hlc, wall)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
		ON CONFLICT DO NOTHING`
	feedDrop = `
		DELETE FROM feed
		WHERE centre = $1 AND root = $2 AND rev = $3`
	feedInsert = `
		INSERT INTO feed (centre, root, rev, tbl, row, deleted)
		VALUES `
	feedAdd = feedInsert + `($1, $2, $3, $4, $5, $6)`
	// A row that is written again under the rev it has, as one whose stamp alone
	// is another, must not take the root back behind its other rows.
	rootSave = `
		INSERT INTO root (centre, root, kind, rev, rows, sum)
		VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (centre, root) DO UPDATE SET rev = CASE WHEN excluded.rev > root.rev THEN excluded.rev ELSE root.rev END, rows = root.rows + excluded.rows, sum = $7`
	rootAdd = `
		INSERT INTO root (centre, root, kind, rev, rows, sum)
		VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (centre, root) DO UPDATE SET
			rev = GREATEST(root.rev, excluded.rev),
			rows = root.rows + excluded.rows,
			sum = (mod(root.sum::numeric + excluded.sum + 27670116110564327424, 18446744073709551616) - 9223372036854775808)::bigint`
	rootSum = `
		SELECT sum
		FROM root
		WHERE centre = $1 AND root = $2`
)

// Held satisfies reconcile.Holds.
func (c *centreTx) Held(ctx context.Context, log reconcile.LogID) ([]reconcile.HeldChange, error) {
	return c.heldRows(ctx, heldByLog, c.centre[:], log.Device[:], log.Epoch[:])
}

// HeldOf satisfies reconcile.Holds.
func (c *centreTx) HeldOf(ctx context.Context, id uuid.UUID) ([]reconcile.HeldChange, error) {
	return c.heldRows(ctx, heldByCase, c.centre[:], id[:])
}

func (c *centreTx) heldRows(ctx context.Context, text string, args ...any) ([]reconcile.HeldChange, error) {
	rows, err := c.query(ctx, text, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []reconcile.HeldChange
	for rows.Next() {
		var h reconcile.HeldChange
		var dev, epoch, root, id []byte
		var seq, txn int64
		if err := rows.Scan(&dev, &epoch, &seq, &txn, &root, &id, &h.Body, &h.Received); err != nil {
			return nil, err
		}
		h.Log = reconcile.LogID{Device: uuid.UUID(dev), Epoch: uuid.UUID(epoch)}
		h.Seq, h.Txn, h.Root, h.Case = uint64(seq), uint64(txn), uuid.UUID(root), uuid.UUID(id)
		out = append(out, h)
	}
	return out, rows.Err()
}

// Case satisfies reconcile.Holds.
func (c *centreTx) Case(ctx context.Context, id uuid.UUID) (*reconcile.Case, error) {
	row, err := c.queryRow(ctx, caseByID, c.centre[:], id[:])
	if err != nil {
		return nil, err
	}
	k := &reconcile.Case{ID: id}
	var root, rowID, by []byte
	var rev int64
	var sides, state string
	err = row.Scan(&k.Kind, &root, &k.Table, &rowID, &k.Column, &k.Blocking, &k.OpenedAt, &rev, &sides, &state, &k.Verdict, &by, &k.DecidedAt, &k.Reason)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	copy(k.Root[:], root)
	copy(k.Row[:], rowID)
	copy(k.DecidedBy[:], by)
	k.Rev, k.Decided = uint64(rev), state == "decided"
	// Numbers stay as they were written: the case is stored again.
	d := json.NewDecoder(strings.NewReader(sides))
	d.UseNumber()
	if err := d.Decode(&k.Sides); err != nil {
		return nil, fmt.Errorf("sides of case %s: %w", id, err)
	}
	return k, nil
}

// Member satisfies reconcile.Crews.
func (c *centreTx) Member(ctx context.Context, person, job uuid.UUID) (reconcile.Member, bool, error) {
	m := reconcile.Member{Person: person, Job: job}
	row, err := c.queryRow(ctx, memberByID, c.centre[:], person[:], job[:])
	if err != nil {
		return m, false, err
	}
	var joined, left int64
	err = row.Scan(&joined, &left)
	if errors.Is(err, sql.ErrNoRows) {
		return m, false, nil
	}
	m.Joined, m.Left = uint64(joined), uint64(left)
	return m, err == nil, err
}

// Evidence satisfies reconcile.Crews.
func (c *centreTx) Evidence(ctx context.Context, root uuid.UUID) (reconcile.Evidence, error) {
	var e reconcile.Evidence
	row, err := c.queryRow(ctx, evidence, c.centre[:], root[:])
	if err != nil {
		return e, err
	}
	err = row.Scan(&e.Visits, &e.OpenVisits, &e.MissingBlobs, &e.BlockingCases)
	return e, err
}

// BlobRoots satisfies reconcile.Crews.
func (c *centreTx) BlobRoots(ctx context.Context, sha [32]byte) ([]uuid.UUID, error) {
	rows, err := c.query(ctx, blobRoots, c.centre[:], sha[:])
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []uuid.UUID
	for rows.Next() {
		var b []byte
		if err := rows.Scan(&b); err != nil {
			return nil, err
		}
		out = append(out, uuid.UUID(b))
	}
	return out, rows.Err()
}

// Apply satisfies reconcile.Tx.
func (c *centreTx) Apply(ctx context.Context, e *reconcile.Effects) error {
	if err := c.applyRows(ctx, e.Rows); err != nil {
		return err
	}
	if err := c.applyHolds(ctx, e); err != nil {
		return err
	}
	for _, o := range e.Outcomes {
		if err := c.exec(ctx, outcomeAdd, c.centre[:], o.Log.Device[:], o.Log.Epoch[:], int64(o.Seq), string(o.Code), string(o.Reason), o.Case); err != nil {
			return fmt.Errorf("outcome: %w", err)
		}
	}
	for _, m := range e.Members {
		if err := c.exec(ctx, memberSave, c.centre[:], m.Person[:], m.Job[:], int64(m.Joined), int64(m.Left)); err != nil {
			return fmt.Errorf("membership: %w", err)
		}
	}
	if err := c.applyTimes(ctx, e); err != nil {
		return err
	}
	return c.applyBlobs(ctx, e)
}

func (c *centreTx) applyBlobs(ctx context.Context, e *reconcile.Effects) error {
	for _, r := range e.Refs {
		if err := c.exec(ctx, refAdd, c.centre[:], r.SHA256[:], r.Root[:], r.Table, r.Row[:], r.Column, r.Purpose); err != nil {
			return fmt.Errorf("blob reference: %w", err)
		}
	}
	for _, p := range e.Present {
		if err := c.exec(ctx, presentAdd, c.centre[:], p.SHA256[:], p.Size, int64(p.Rev)); err != nil {
			return fmt.Errorf("blob presence: %w", err)
		}
	}
	return nil
}

func (c *centreTx) applyHolds(ctx context.Context, e *reconcile.Effects) error {
	for _, h := range e.Unholds {
		if err := c.exec(ctx, heldDrop, c.centre[:], h.Log.Device[:], h.Log.Epoch[:], int64(h.Seq)); err != nil {
			return fmt.Errorf("release held change: %w", err)
		}
	}
	for _, h := range e.Holds {
		if err := c.exec(ctx, heldAdd, c.centre[:], h.Log.Device[:], h.Log.Epoch[:], int64(h.Seq), int64(h.Txn), h.Root[:], h.Case[:], h.Body, h.Received); err != nil {
			return fmt.Errorf("hold change: %w", err)
		}
	}
	for _, k := range e.Cases {
		if err := c.saveCase(ctx, k); err != nil {
			return err
		}
	}
	for _, l := range e.Losers {
		value, err := json.Marshal(reconcile.JSONValue(c.s.d.Table(l.Table).Column(l.Column), l.Value))
		if err != nil {
			return err
		}
		s := l.Stamp
		if err := c.exec(ctx, loserAdd, c.centre[:], l.Table, l.Row[:], l.Column, int64(l.Rev), string(l.Rule), string(value), s.Actor[:], s.Log.Device[:], s.Log.Epoch[:], int64(s.Seq), int64(s.HLC), s.Wall); err != nil {
			return fmt.Errorf("losing value: %w", err)
		}
	}
	return nil
}

// storable is a text that both engines keep: a name that a phone made up may
// hold a NUL.
func storable(s string) string { return strings.ReplaceAll(s, "\x00", "\uFFFD") }

func (c *centreTx) saveCase(ctx context.Context, k reconcile.Case) error {
	sides, err := k.Sides.JSON()
	if err != nil {
		return err
	}
	state := "open"
	var by any
	if k.Decided {
		state, by = "decided", k.DecidedBy[:]
	}
	err = c.exec(ctx, caseSave, c.centre[:], k.ID[:], k.Kind, k.Root[:], storable(k.Table), k.Row[:], storable(k.Column), k.Blocking, k.OpenedAt, int64(k.Rev), sides, state, k.Verdict, by, k.DecidedAt, k.Reason)
	if err != nil {
		return fmt.Errorf("case: %w", err)
	}
	return nil
}

// rootDelta is what a batch changes of one root's count and checksum.
type rootDelta struct {
	root uuid.UUID
	kind schema.RootKind
	rev  uint64
	rows int
	sum  uint64
}

func (c *centreTx) applyRows(ctx context.Context, rows []reconcile.RowWrite) error {
	var order []uuid.UUID
	deltas := map[uuid.UUID]*rootDelta{}
	for _, w := range rows {
		d := deltas[w.Row.Root]
		if d == nil {
			d = &rootDelta{root: w.Row.Root, kind: w.Kind}
			deltas[w.Row.Root] = d
			order = append(order, w.Row.Root)
		}
		d.add(w)
	}
	if err := c.applyState(ctx, rows); err != nil {
		return err
	}
	if err := c.applyFeed(ctx, rows); err != nil {
		return fmt.Errorf("feed: %w", err)
	}
	for _, root := range order {
		if err := c.applyRoot(ctx, deltas[root]); err != nil {
			return fmt.Errorf("root %s: %w", root, err)
		}
	}
	return c.applyLater(ctx, rows)
}

func (d *rootDelta) add(w reconcile.RowWrite) {
	r := w.Row
	d.rev = max(d.rev, r.Rev)
	if w.OldRev != 0 && w.OldLive {
		d.rows--
		d.sum -= schema.RowSum(r.Table, r.ID, w.OldRev)
	}
	if !r.Deleted {
		d.rows++
		d.sum += schema.RowSum(r.Table, r.ID, r.Rev)
	}
}

// applyState writes rows, new ones of one table several at a time.
func (c *centreTx) applyState(ctx context.Context, rows []reconcile.RowWrite) error {
	if c.s.arrays {
		return c.applyArrays(ctx, rows)
	}
	waiting := map[string][]any{}
	for _, w := range rows {
		r := w.Row
		q := c.s.tables[r.Table]
		if !w.Inserted {
			args, err := q.args(make([]any, 0, q.width()), c.centre[:], r)
			if err == nil {
				err = c.exec(ctx, q.upsert, args...)
			}
			if err != nil {
				return fmt.Errorf("%s %s: %w", r.Table, r.ID, err)
			}
			continue
		}
		list, ok := waiting[r.Table]
		if !ok {
			list = make([]any, 0, insertAtOnce*q.width())
		}
		list, err := q.args(list, c.centre[:], r)
		if err != nil {
			return err
		}
		if len(list) == cap(list) {
			if err := c.exec(ctx, q.insert, list...); err != nil {
				return fmt.Errorf("new rows of %s: %w", r.Table, err)
			}
			list = list[:0]
		}
		waiting[r.Table] = list
	}
	for _, table := range slices.Sorted(maps.Keys(waiting)) {
		q := c.s.tables[table]
		for args := range slices.Chunk(waiting[table], q.width()) {
			if err := c.exec(ctx, q.upsert, args...); err != nil {
				return fmt.Errorf("new row of %s: %w", table, err)
			}
		}
	}
	return nil
}

// applyFeed moves rows to their new revs, several at a time.
func (c *centreTx) applyFeed(ctx context.Context, rows []reconcile.RowWrite) error {
	if c.s.arrays {
		return c.applyFeedArrays(ctx, rows)
	}
	const width = 6
	list := make([]any, 0, insertAtOnce*width)
	rows = slices.Clone(rows)
	// In the order of the key: neighbours go to the same page.
	slices.SortFunc(rows, func(a, b reconcile.RowWrite) int {
		return cmp.Or(bytes.Compare(a.Row.Root[:], b.Row.Root[:]), cmp.Compare(a.Row.Rev, b.Row.Rev))
	})
	for _, w := range rows {
		r := w.Row
		if w.OldRev != 0 {
			if err := c.exec(ctx, feedDrop, c.centre[:], r.Root[:], int64(w.OldRev)); err != nil {
				return err
			}
		}
		deleted := int64(0)
		if r.Deleted {
			deleted = 1
		}
		list = append(list, c.centre[:], r.Root[:], int64(r.Rev), r.Table, r.ID[:], deleted)
		if len(list) == cap(list) {
			if err := c.exec(ctx, c.s.feedMany, list...); err != nil {
				return err
			}
			list = list[:0]
		}
	}
	for args := range slices.Chunk(list, width) {
		if err := c.exec(ctx, feedAdd, args...); err != nil {
			return err
		}
	}
	return nil
}

// applyRoot adds up in Go: SQL integers do not wrap around. PostgreSQL has
// numbers without bounds, and is spared the question.
func (c *centreTx) applyRoot(ctx context.Context, d *rootDelta) error {
	if c.s.arrays {
		return c.exec(ctx, rootAdd, c.centre[:], d.root[:], string(d.kind), int64(d.rev), d.rows, int64(d.sum))
	}
	row, err := c.queryRow(ctx, rootSum, c.centre[:], d.root[:])
	if err != nil {
		return err
	}
	var sum int64
	if err := row.Scan(&sum); err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	total := int64(uint64(sum) + d.sum)
	return c.exec(ctx, rootSave, c.centre[:], d.root[:], string(d.kind), int64(d.rev), d.rows, total, total)
}
