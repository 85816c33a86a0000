package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"siteledger/server/feed"
	"siteledger/syncproto"
	"siteledger/syncproto/schema"
)

const (
	feedRoots = `
		SELECT r.centre, r.root, 0, r.rev, r.rows, r.sum
		FROM root r
		WHERE r.centre = $1 AND r.root IN ($1, $2)
		UNION ALL
		SELECT r.centre, r.root, m.joined_rev, r.rev, r.rows, r.sum
		FROM membership m
		JOIN root r ON r.centre = m.centre AND r.root = m.job
		WHERE m.centre = $1 AND m.person = $2 AND m.joined_rev > m.left_rev
		UNION ALL
		SELECT r.centre, r.root, 0, r.rev, r.rows, r.sum
		FROM stream s
		JOIN root r ON r.centre = s.centre AND r.root = s.centre
		WHERE s.headquarters = 1 AND s.centre <> $1`
	feedLeft = `
		SELECT job, left_rev
		FROM membership
		WHERE centre = $1 AND person = $2 AND left_rev > joined_rev AND left_rev > $3
		ORDER BY left_rev`
	// A void cursor is told all decisions again; the limit is far beyond those of
	// a phone's whole life, and is there for a forged table alone.
	feedInstructions = `
		SELECT told.id, told.kind, told.args
		FROM (
		SELECT i.id, i.kind, coalesce(i.args, '') AS args, i.rev
		FROM state_instruction i
		WHERE i.centre = $1 AND i.person = $2 AND i.deleted = 0
			AND coalesce(i.withdrawn, 0) = 0
			AND (i.device IS NULL OR i.device = $3)
			AND (NOT EXISTS (SELECT 1 FROM state_instruction_ack a WHERE a.centre = i.centre AND a.instruction = i.id AND a.root = i.person)
				OR (i.kind = 'decided' AND i.rev > $4))
		ORDER BY EXISTS (SELECT 1 FROM state_instruction_ack a WHERE a.centre = i.centre AND a.instruction = i.id AND a.root = i.person), i.rev
		LIMIT 10000) AS told
		ORDER BY told.rev`
	feedKeys = `
		SELECT rev, tbl, row, deleted
		FROM feed
		WHERE centre = $1 AND root = $2 AND rev > $3
		ORDER BY rev
		LIMIT $4`
	feedHLC = `
		SELECT max(hlc)
		FROM stream
		WHERE centre = $1 OR headquarters = 1`
	feedPassed = `
		SELECT epoch, acked
		FROM log
		WHERE centre = $1 AND device = $2
		ORDER BY opened_pos DESC, epoch DESC
		LIMIT 1`
)

var _ feed.Snapshot = (*snapshot)(nil)

// snapshot is one read transaction seen from a centre.
type snapshot struct{ *centreTx }

// ViewCentre runs fn on one snapshot of the centre's and headquarters'
// streams.
func (s *Store) ViewCentre(ctx context.Context, centre uuid.UUID, fn func(feed.Snapshot) error) error {
	return s.viewSession(ctx, func(tx session) error {
		return fn(&snapshot{&centreTx{s: s, session: tx, centre: centre}})
	})
}

// Roots satisfies feed.Audience.
func (v *snapshot) Roots(ctx context.Context, person uuid.UUID) ([]feed.Root, error) {
	rows, err := v.queryMany(ctx, feedRoots, v.centre[:], person[:])
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []feed.Root
	for rows.Next() {
		var r feed.Root
		var stream, id []byte
		var joined, rev, sum int64
		if err := rows.Scan(&stream, &id, &joined, &rev, &r.Rows, &sum); err != nil {
			return nil, err
		}
		r.Stream, r.ID = uuid.UUID(stream), uuid.UUID(id)
		r.Joined, r.Rev, r.Sum = uint64(joined), uint64(rev), uint64(sum)
		out = append(out, r)
	}
	return out, rows.Err()
}

// Left satisfies feed.Audience.
func (v *snapshot) Left(ctx context.Context, person uuid.UUID, after uint64) ([]feed.Left, error) {
	rows, err := v.query(ctx, feedLeft, v.centre[:], person[:], int64(after))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []feed.Left
	for rows.Next() {
		var id []byte
		var at int64
		if err := rows.Scan(&id, &at); err != nil {
			return nil, err
		}
		out = append(out, feed.Left{ID: uuid.UUID(id), At: uint64(at)})
	}
	return out, rows.Err()
}

// Instructions satisfies feed.Audience.
func (v *snapshot) Instructions(ctx context.Context, person, device uuid.UUID, after uint64) ([]syncproto.Instruction, error) {
	rows, err := v.query(ctx, feedInstructions, v.centre[:], person[:], device[:], int64(after))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := []syncproto.Instruction{}
	for rows.Next() {
		var i syncproto.Instruction
		var id []byte
		var args string
		if err := rows.Scan(&id, &i.Kind, &args); err != nil {
			return nil, err
		}
		i.ID, i.Args = uuid.UUID(id), map[string]any{}
		if args != "" {
			if err := json.Unmarshal([]byte(args), &i.Args); err != nil {
				i.Args = map[string]any{"text": args}
			}
		}
		out = append(out, i)
	}
	return out, rows.Err()
}

// Keys satisfies feed.Content.
func (v *snapshot) Keys(ctx context.Context, stream, root uuid.UUID, after uint64, limit int) ([]feed.Key, error) {
	rows, err := v.query(ctx, feedKeys, stream[:], root[:], int64(after), limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []feed.Key
	for rows.Next() {
		var k feed.Key
		var rev int64
		var id []byte
		if err := rows.Scan(&rev, &k.Table, &id, &k.Deleted); err != nil {
			return nil, err
		}
		k.Rev, k.Row = uint64(rev), uuid.UUID(id)
		out = append(out, k)
	}
	return out, rows.Err()
}

// Rows satisfies feed.Content. It reads a table's rows many at a time, without
// what a reader never gets: the clocks of the columns.
func (v *snapshot) Rows(ctx context.Context, stream uuid.UUID, keys []feed.Key) ([]schema.Row, error) {
	type wanted struct {
		ids []uuid.UUID
		at  map[uuid.UUID]int // places in out
	}
	byTable := map[string]*wanted{}
	for i, k := range keys {
		w := byTable[k.Table]
		if w == nil {
			w = &wanted{at: map[uuid.UUID]int{}}
			byTable[k.Table] = w
		}
		w.ids, w.at[k.Row] = append(w.ids, k.Row), i
	}
	out := make([]schema.Row, len(keys))
	for table, w := range byTable {
		q := v.s.tables[table]
		if q == nil {
			return nil, fmt.Errorf("the feed names an unknown table %s", table)
		}
		for ids := w.ids; len(ids) > 0; {
			text, many := q.shown, loadAtOnce
			if len(ids) >= showAtOnce {
				text, many = q.shownMany, showAtOnce
			}
			some := ids[:min(len(ids), many)]
			if err := v.shown(ctx, q, text, many, stream, some, func(r schema.Row) { out[w.at[r.ID]] = r }); err != nil {
				return nil, fmt.Errorf("rows of %s: %w", table, err)
			}
			ids = ids[len(some):]
		}
	}
	return slices.DeleteFunc(out, func(r schema.Row) bool { return r.Table == "" }), nil
}

// shown reads up to many rows of a table; a shorter list names its last row
// again and again.
func (v *snapshot) shown(ctx context.Context, q *tableSQL, text string, many int, stream uuid.UUID, ids []uuid.UUID, take func(schema.Row)) error {
	args := make([]any, 1, 1+many)
	args[0] = stream[:]
	for i := range many {
		args = append(args, ids[min(i, len(ids)-1)][:])
	}
	rows, err := v.queryMany(ctx, text, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	var id, root []byte
	var rev int64
	cells := make([]any, len(q.t.Columns))
	dest := []any{&id, &root, &rev}
	for i := range cells {
		dest = append(dest, &cells[i])
	}
	for rows.Next() {
		if err := rows.Scan(dest...); err != nil {
			return err
		}
		r := schema.Row{Table: q.t.Name, ID: uuid.UUID(id), Root: uuid.UUID(root), Rev: uint64(rev), Cols: make(map[string]schema.Value, len(cells))}
		for i, c := range q.t.Columns {
			r.Cols[c.Name] = fromSQL(c, cells[i])
		}
		take(r)
	}
	return rows.Err()
}

// HLC satisfies feed.Content.
func (v *snapshot) HLC(ctx context.Context) (uint64, error) {
	row, err := v.queryRow(ctx, feedHLC, v.centre[:])
	if err != nil {
		return 0, err
	}
	var n sql.NullInt64
	err = row.Scan(&n)
	return uint64(n.Int64), err
}

// Passed satisfies feed.Content.
func (v *snapshot) Passed(ctx context.Context, device uuid.UUID) (*syncproto.Passed, error) {
	row, err := v.queryRow(ctx, feedPassed, v.centre[:], device[:])
	if err != nil {
		return nil, err
	}
	var epoch []byte
	var acked int64
	err = row.Scan(&epoch, &acked)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &syncproto.Passed{Epoch: uuid.UUID(epoch), Seq: uint64(acked)}, nil
}
