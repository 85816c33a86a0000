package store

import (
	"context"
	"encoding/hex"
	"slices"
	"sort"

	"github.com/google/uuid"

	"siteledger/server/feed"
)

const (
	feedWindowFile = `
		SELECT r.key, f.rev, f.tbl, f.row, f.deleted
		FROM json_each($1) r
		CROSS JOIN feed f
		WHERE f.centre = $2 AND f.root = unhex(r.value) AND f.rev > $3 AND f.rev <= $4`
	feedWindowAll    = feedWindowFile + ` LIMIT $5`
	feedWindowFirst  = feedWindowFile + ` ORDER BY f.rev LIMIT $5`
	feedWindowArrays = `
		SELECT r.n - 1, f.rev, f.tbl, f.row, f.deleted
		FROM unnest($1::bytea[], $2::bigint[]) WITH ORDINALITY AS r (root, after, n)
		JOIN feed f ON f.centre = $3 AND f.root = r.root AND f.rev > r.after AND f.rev <= $4
		ORDER BY f.rev
		LIMIT $5`
)

// Window satisfies feed.Places.
func (v *snapshot) Window(ctx context.Context, stream uuid.UUID, spans []feed.Span, upTo uint64, limit int) ([]feed.Key, []int, error) {
	if v.s.dialect.arrays {
		roots := column(spans, func(s feed.Span) []byte { return s.Root[:] })
		after := column(spans, func(s feed.Span) int64 { return int64(s.After) })
		rows, err := v.query(ctx, feedWindowArrays, roots, after, stream[:], int64(upTo), limit)
		if err != nil {
			return nil, nil, err
		}
		return places(rows, limit)
	}
	return v.windowOfFile(ctx, stream, spans, upTo, limit)
}

// windowOfFile asks once for all spans that begin at the same rev: those of a
// reader begin at two or three.
func (v *snapshot) windowOfFile(ctx context.Context, stream uuid.UUID, spans []feed.Span, upTo uint64, limit int) (keys []feed.Key, of []int, err error) {
	type group struct {
		after uint64
		text  []byte // its roots as JSON
		spans []int
	}
	var groups []*group
	for i, s := range spans {
		at := slices.IndexFunc(groups, func(g *group) bool { return g.after == s.After })
		if at < 0 {
			at, groups = len(groups), append(groups, &group{after: s.After, text: make([]byte, 0, 2+35*len(spans))})
		}
		g := groups[at]
		g.text = append(hex.AppendEncode(append(g.text, ",\""...), s.Root[:]), '"')
		g.spans = append(g.spans, i)
	}
	for _, g := range groups {
		g.text[0] = '['
		some, in, err := v.placesOf(ctx, string(append(g.text, ']')), stream, g.after, upTo, limit)
		if err != nil {
			return nil, nil, err
		}
		for i := range in {
			in[i] = g.spans[in[i]]
		}
		keys, of = merged(keys, of, some, in, limit)
	}
	return keys, of, nil
}

// placesOf reads the places of roots, given as JSON, behind one rev. Where they
// are fewer than the limit, as most are, sorting them here is cheaper than there.
func (v *snapshot) placesOf(ctx context.Context, roots string, stream uuid.UUID, after, upTo uint64, limit int) ([]feed.Key, []int, error) {
	rows, err := v.queryMany(ctx, feedWindowAll, roots, stream[:], int64(after), int64(upTo), limit)
	if err != nil {
		return nil, nil, err
	}
	keys, of, err := places(rows, limit)
	if err != nil {
		return nil, nil, err
	}
	if len(keys) < limit {
		sort.Sort(&byRev{keys, of})
		return keys, of, nil
	}
	if rows, err = v.queryMany(ctx, feedWindowFirst, roots, stream[:], int64(after), int64(upTo), limit); err != nil {
		return nil, nil, err
	}
	return places(rows, limit)
}

// byRev puts places in order.
type byRev struct {
	keys []feed.Key
	of   []int
}

func (b *byRev) Len() int           { return len(b.keys) }
func (b *byRev) Less(i, j int) bool { return b.keys[i].Rev < b.keys[j].Rev }
func (b *byRev) Swap(i, j int) {
	b.keys[i], b.keys[j] = b.keys[j], b.keys[i]
	b.of[i], b.of[j] = b.of[j], b.of[i]
}

// merged puts two lists in order together, and keeps the first of them.
func merged(a []feed.Key, ofA []int, b []feed.Key, ofB []int, limit int) (keys []feed.Key, of []int) {
	if len(a) == 0 {
		return b, ofB
	}
	n := min(len(a)+len(b), limit)
	keys, of = make([]feed.Key, 0, n), make([]int, 0, n)
	for len(keys) < n {
		if len(b) == 0 || len(a) > 0 && a[0].Rev < b[0].Rev {
			keys, of = append(keys, a[0]), append(of, ofA[0])
			a, ofA = a[1:], ofA[1:]
		} else {
			keys, of = append(keys, b[0]), append(of, ofB[0])
			b, ofB = b[1:], ofB[1:]
		}
	}
	return keys, of
}

func places(rows rows, limit int) ([]feed.Key, []int, error) {
	defer rows.Close()
	out, of := make([]feed.Key, 0, limit), make([]int, 0, limit)
	for rows.Next() {
		var k feed.Key
		var rev int64
		var id []byte
		var span int
		if err := rows.Scan(&span, &rev, &k.Table, &id, &k.Deleted); err != nil {
			return nil, nil, err
		}
		k.Rev, k.Row = uint64(rev), uuid.UUID(id)
		out, of = append(out, k), append(of, span)
	}
	return out, of, rows.Err()
}
