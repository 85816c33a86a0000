package feed

import (
	"cmp"
	"context"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"siteledger/syncproto"
	"siteledger/syncproto/mutate"
	"siteledger/syncproto/schema"
)

// ground is a snapshot in memory: one stream whose roots a reader joined at
// different revs.
type ground struct {
	centre    uuid.UUID
	roots     []Root
	keys      map[uuid.UUID][]Key // by root, in order
	questions int
	full      int // windows with more rows than were asked for
}

func (g *ground) Roots(context.Context, uuid.UUID) ([]Root, error)             { return g.roots, nil }
func (g *ground) Left(context.Context, uuid.UUID, uint64) ([]Left, error)      { return nil, nil }
func (g *ground) HLC(context.Context) (uint64, error)                          { return 1, nil }
func (g *ground) Passed(context.Context, uuid.UUID) (*syncproto.Passed, error) { return nil, nil }
func (g *ground) Hidden(context.Context, uuid.UUID, uuid.UUID, int) (int, uint64, error) {
	return 0, 0, nil
}
func (g *ground) Instructions(context.Context, uuid.UUID, uuid.UUID, uint64) ([]syncproto.Instruction, error) {
	return nil, nil
}

func (g *ground) Keys(_ context.Context, _, root uuid.UUID, after uint64, limit int) ([]Key, error) {
	g.questions++
	var out []Key
	for _, k := range g.keys[root] {
		if k.Rev > after && len(out) < limit {
			out = append(out, k)
		}
	}
	return out, nil
}

func (g *ground) Window(_ context.Context, _ uuid.UUID, spans []Span, upTo uint64, limit int) ([]Key, []int, error) {
	g.questions++
	type found struct {
		Key
		span int
	}
	var all []found
	for i, s := range spans {
		for _, k := range g.keys[s.Root] {
			if k.Rev > s.After && k.Rev <= upTo {
				all = append(all, found{k, i})
			}
		}
	}
	slices.SortFunc(all, func(a, b found) int { return cmp.Compare(a.Rev, b.Rev) })
	if len(all) > limit {
		g.full++
	}
	var keys []Key
	var of []int
	for _, f := range all[:min(limit, len(all))] {
		keys, of = append(keys, f.Key), append(of, f.span)
	}
	return keys, of, nil
}

func (g *ground) Rows(_ context.Context, _ uuid.UUID, keys []Key) ([]schema.Row, error) {
	out := make([]schema.Row, len(keys))
	for i, k := range keys {
		out[i] = schema.Row{Table: k.Table, ID: k.Row, Root: g.centre, Rev: k.Rev}
	}
	return out, nil
}

// plant spreads rows over roots; the last rev that was given is rev.
func plant(r *rand.Rand, roots, rows int) (g *ground, rev uint64) {
	g = &ground{centre: uuid.New(), keys: map[uuid.UUID][]Key{}}
	for range roots {
		g.roots = append(g.roots, Root{Stream: g.centre, ID: uuid.New()})
	}
	for range rows {
		rev += gap(r)
		g.grow(min(r.IntN(roots), r.IntN(roots)), rev)
	}
	for i := range g.roots {
		if r.IntN(2) == 0 {
			g.roots[i].Joined = 1 + 2*uint64(r.Int64N(int64(rev)/2+1)) // a rev that no row has
		}
	}
	return g, rev
}

// plantFar makes the rows look much thinner than they lie: a root with old rows
// that the reader joined after the other roots' rows, and a few more far behind.
// A window up to there holds more than a question gives, and the old root's
// rows, which come last, are the first that it gives.
func plantFar(r *rand.Rand, roots, rows int) (g *ground, rev uint64) {
	g = &ground{centre: uuid.New(), keys: map[uuid.UUID][]Key{}}
	for range roots {
		g.roots = append(g.roots, Root{Stream: g.centre, ID: uuid.New()})
	}
	for range 2*mostRows + chunk + 10 {
		rev += gap(r)
		g.grow(0, rev)
	}
	for range rows {
		rev += gap(r)
		g.grow(1+r.IntN(roots-1), rev)
	}
	g.roots[0].Joined = rev + 1
	rev += 1_000_000
	for i := range roots - 1 {
		rev += gap(r)
		g.grow(1+i, rev)
	}
	return g, rev
}

// gap is how far behind a row the next one lies; revs of rows are even.
func gap(r *rand.Rand) uint64 { return 2 * uint64(1+r.IntN(3)) }

// grow adds a row to a root.
func (g *ground) grow(root int, rev uint64) {
	at := &g.roots[root]
	at.Rev, at.Rows = rev, at.Rows+1
	g.keys[at.ID] = append(g.keys[at.ID], Key{Rev: rev, Table: "note", Row: uuid.New()})
}

// mostRows is how many rows the test's longest page has.
const mostRows = 120

// TestPullGivesEachPlaceOnce: whatever the roots, where the reader joined them
// and how long the pages are, a pull gives every row once, in the order of its
// position, and asks little.
func TestPullGivesEachPlaceOnce(t *testing.T) {
	full, seeds := 0, mutate.Scale(300)
	for seed := range uint64(seeds) {
		r := rand.New(rand.NewPCG(seed, 1))
		roots, rows := 1+r.IntN(40), r.IntN(600)
		g, rev := plant(r, roots, rows)
		if seed%4 == 3 {
			roots += few + 1
			g, rev = plantFar(r, roots, rows)
		}
		rev += rev % 2
		limits := syncproto.DefaultLimits()
		f := New(Config{History: uuid.New(), Schema: schema.MustCurrent(), Secret: []byte("s"), Limits: limits, Now: time.Now,
			View: func(_ context.Context, _ uuid.UUID, fn func(Snapshot) error) error { return fn(g) }})
		dev := Device{ID: uuid.New(), Person: uuid.New(), Centre: g.centre, Role: schema.Installer}
		start := uint64(0)
		if r.IntN(2) == 0 {
			start = uint64(r.Int64N(int64(rev) + 1))
		}
		cur := f.encode(cursor{centre: place{start, start}, startCentre: start, schema: f.Schema.Version}, dev.Person)
		limit := 1 + r.IntN(mostRows)
		var got []place
		pages := 0
		for more := true; more; pages++ {
			page, err := f.Pull(t.Context(), dev, cur, limit)
			if err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			for _, row := range page.Rows {
				got = append(got, g.placeOf(row.ID))
			}
			if page.More && len(page.Rows) != limit {
				t.Fatalf("seed %d: a page of %d rows of %d, and there is more", seed, len(page.Rows), limit)
			}
			cur, more = page.Next, page.More
		}
		if want := g.behind(start); !slices.Equal(got, want) {
			t.Fatalf("seed %d: %d roots, from %d, pages of %d: got %d places, want %d\n%v\n%v", seed, roots, start, limit, len(got), len(want), got, want)
		}
		if most := pages*(roots/4+12) + 12; g.questions > most {
			t.Errorf("seed %d: %d questions for %d pages of %d roots", seed, g.questions, pages, roots)
		}
		full += g.full
	}
	if full < seeds/15 {
		t.Errorf("only %d windows had more rows than a question gives", full)
	}
}

// behind lists the places behind a position, in order.
func (g *ground) behind(start uint64) []place {
	out := []place{}
	for _, root := range g.roots {
		for _, k := range g.keys[root.ID] {
			p := place{max(k.Rev, root.Joined), k.Rev}
			if root.Joined == start && start > 0 && k.Rev <= start {
				continue // given when the reader stood there
			}
			if p.Pos > start || root.Joined == start && start > 0 {
				out = append(out, p)
			}
		}
	}
	slices.SortFunc(out, func(a, b place) int { return cmp.Or(cmp.Compare(a.Pos, b.Pos), cmp.Compare(a.Rev, b.Rev)) })
	return slices.Compact(out)
}

func (g *ground) placeOf(row uuid.UUID) place {
	for _, root := range g.roots {
		for _, k := range g.keys[root.ID] {
			if k.Row == row {
				return place{max(k.Rev, root.Joined), k.Rev}
			}
		}
	}
	return place{}
}
