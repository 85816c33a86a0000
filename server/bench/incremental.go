package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"time"

	"github.com/fxamacker/cbor/v2"
	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"siteledger/server/app"
	"siteledger/syncproto"
	"siteledger/syncproto/changelog"
)

// What an incremental pull is measured on: devices that share a few jobs, in
// which rows change; the history is mostly of other jobs, as it is after
// years, and partly of these.
const (
	sharedJobs    = 10
	otherJobs     = 100
	sharedPart    = 100 // one row of the history in so many is of a shared job
	changedRows   = 100
	roundsPerRun  = 8
	historyAuthor = "老师傅"
)

// incremental: devices pull the rows that changed since their cursor, at
// growing history, against the same reads by bare prepared statements.
func (b *bench) incremental(ctx context.Context) ([]*row, error) {
	dir, err := b.folder("data")
	if err != nil {
		return nil, err
	}
	var rows []*row
	in := &increment{b: b, dir: dir}
	if err := in.begin(ctx); err != nil {
		return nil, err
	}
	for _, size := range b.size.histories {
		if err := in.grow(ctx, size); err != nil {
			return rows, err
		}
		r, err := in.measure(ctx, size)
		if err != nil {
			return rows, err
		}
		rows = append(rows, r)
	}
	least, most := rows[0], rows[len(rows)-1]
	sum := &row{Name: b.row, Unit: "ms", Ours: most.Ours, Floor: least.Ours, Ratio: most.Ours / least.Ours, Spread: most.Spread, FloorSpread: least.Spread, Runs: most.Runs}
	sum.atMost("ratio", sum.Ratio, 1.2)
	sum.note("ours is at %s rows of history, floor is ours at %s", count(b.size.histories[len(rows)-1]), count(b.size.histories[0]))
	return append(rows, sum), nil
}

// count is a short number of rows.
func count(n int) string {
	switch {
	case n >= 1_000_000:
		return fmt.Sprintf("%dM", n/1_000_000)
	case n >= 1000:
		return fmt.Sprintf("%dk", n/1000)
	}
	return fmt.Sprint(n)
}

type increment struct {
	b       *bench
	dir     string
	centre  uuid.UUID
	author  *device   // whose phone wrote the history and writes what changes
	fleet   []*device // who pull
	cursors []string
	shared  []uuid.UUID
	say     *phrases
	pushed  int // changes of the author that the server has
}

// begin makes the people, their phones and the jobs.
func (in *increment) begin(ctx context.Context) error {
	in.say = newPhrases(3)
	return fill(ctx, in.dir, func(w *world) (err error) {
		in.centre = w.centre
		author, err := w.person(ctx, historyAuthor, "installer")
		if err != nil {
			return err
		}
		if in.author, err = w.device(ctx, author); err != nil {
			return err
		}
		if in.author.jobs, err = w.jobs(ctx, author, otherJobs); err != nil {
			return err
		}
		if in.shared, err = w.jobs(ctx, author, sharedJobs); err != nil {
			return err
		}
		in.fleet, err = w.installers(ctx, in.b.size.pullers, 0)
		if err != nil {
			return err
		}
		for _, j := range in.shared {
			for _, d := range in.fleet {
				if err := w.write(ctx, insert("assignment", newID(), map[string]any{"job": j[:], "person": d.person[:], "active": true})); err != nil {
					return err
				}
			}
		}
		in.cursors = make([]string, len(in.fleet))
		return nil
	})
}

// grow adds notes until the history has so many rows.
func (in *increment) grow(ctx context.Context, size int) error {
	in.author.forget(in.pushed) // of a long log, the end is enough to go on
	err := fill(ctx, in.dir, func(w *world) error {
		for in.pushed < size {
			more := min(20_000, size-in.pushed)
			for i := range more {
				job := in.author.jobs[i%len(in.author.jobs)]
				if (in.pushed+i)%sharedPart == 0 {
					job = in.shared[(in.pushed/sharedPart+i)%len(in.shared)]
				}
				if err := in.note(job); err != nil {
					return err
				}
			}
			last, err := w.pushHere(ctx, in.author, in.pushed+1)
			if err != nil {
				return err
			}
			in.pushed = last
			in.author.forget(in.pushed)
			if in.pushed%100_000 == 0 || in.pushed >= size {
				in.b.say("%s of %s rows of history", count(in.pushed), count(size))
			}
		}
		return nil
	})
	return err
}

func (in *increment) note(job uuid.UUID) error {
	return in.author.record(changelog.Change{Table: "note", Row: newID(), Op: changelog.Insert, Cols: map[string]any{
		"job": job[:], "kind": "note", "text": in.say.sentence(), "at": now(), "author": in.author.person[:]}})
}

// measure lets rows change and the fleet pull them.
func (in *increment) measure(ctx context.Context, size int) (r *row, err error) {
	b := in.b
	s, err := b.serve(serverSpec{Data: in.dir})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.end()) }()
	client := fleetClient(len(in.fleet) + 1)
	defer client.CloseIdleConnections()
	if _, err := in.pullAll(ctx, client, s.url); err != nil { // to where they are
		return nil, err
	}
	if err := s.begin(fmt.Sprintf("incremental_%s", count(size))); err != nil {
		return nil, err
	}
	var ours, floor series
	for i := range b.runs {
		var mine, bare series
		for range roundsPerRun {
			after, err := in.change(ctx, client, s.url)
			if err != nil {
				return nil, err
			}
			start := time.Now()
			got, err := in.pullAll(ctx, client, s.url)
			if err != nil {
				return nil, err
			}
			mine = append(mine, float64(time.Since(start))/1e6)
			if got != changedRows*len(in.fleet) {
				return nil, fmt.Errorf("the fleet pulled %d rows, want %d each", got, changedRows)
			}
			seconds, err := in.bare(ctx, after)
			if err != nil {
				return nil, fmt.Errorf("floor: %w", err)
			}
			bare = append(bare, seconds*1000)
		}
		ours, floor = append(ours, mine.median()), append(floor, bare.median())
		b.say("%s, run %d of %d: %.1f ms for %d devices, floor %.1f ms", count(size), i+1, b.runs, mine.median(), len(in.fleet), bare.median())
	}
	u, err := s.measured()
	if err != nil {
		return nil, err
	}
	r = compare(b.row+"_"+count(size), "ms", ours, floor)
	r.figure("server_peak_mb", mb(u.peak))
	r.figure("server_cpu_ms_per_pull", u.cpu*1000/float64(b.runs*roundsPerRun*len(in.fleet)))
	return r, nil
}

// change writes the rows that the fleet will pull, and gives the rev before
// them.
func (in *increment) change(ctx context.Context, client *http.Client, url string) (after int64, err error) {
	if after, err = lastRev(ctx, filepath.Join(in.dir, app.DatabaseName)); err != nil {
		return 0, err
	}
	for i := range changedRows {
		if err := in.note(in.shared[i%len(in.shared)]); err != nil {
			return 0, err
		}
	}
	pack, err := newPacker()
	if err != nil {
		return 0, err
	}
	bodies, err := in.author.bodies(pack, in.pushed+1, changedRows)
	if err != nil {
		return 0, err
	}
	for _, push := range bodies {
		if err := in.author.send(ctx, client, url, push); err != nil {
			return 0, err
		}
	}
	in.pushed += changedRows
	return after, nil
}

// pullAll lets the whole fleet pull at once until nothing is left, and gives
// the number of rows.
func (in *increment) pullAll(ctx context.Context, client *http.Client, url string) (int, error) {
	got := make([]int, len(in.fleet))
	group, ctx := errgroup.WithContext(ctx)
	for i, d := range in.fleet {
		group.Go(func() (err error) {
			in.cursors[i], got[i], err = d.pull(ctx, client, url, in.cursors[i])
			return err
		})
	}
	err := group.Wait()
	sum := 0
	for _, n := range got {
		sum += n
	}
	return sum, err
}

// pullPage is what a pulling device looks at.
type pullPage struct {
	Rows []cbor.RawMessage `cbor:"rows"`
	Next string            `cbor:"next"`
	More bool              `cbor:"more"`
}

// pull reads pages from a cursor to the end.
func (d *device) pull(ctx context.Context, client *http.Client, base, cursor string) (next string, rows int, err error) {
	for {
		q := url.Values{"limit": {"1000"}, "schema": {"1"}}
		if cursor != "" {
			q.Set("cursor", cursor)
		}
		body, err := d.get(ctx, client, base+syncproto.PathPull+"?"+q.Encode())
		if err != nil {
			return "", 0, err
		}
		var page pullPage
		if err := cbor.Unmarshal(body, &page); err != nil {
			return "", 0, err
		}
		rows += len(page.Rows)
		if cursor = page.Next; !page.More {
			return cursor, rows, nil
		}
	}
}

func (d *device) get(ctx context.Context, client *http.Client, url string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+d.token)
	req.Header.Set("Accept", syncproto.TypeCBOR)
	res, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = refusal(res.StatusCode, body)
	}
	return body, err
}

// bare reads for each device what changed, by prepared statements on the
// server's own tables, and gives seconds.
func (in *increment) bare(ctx context.Context, after int64) (seconds float64, err error) {
	db, err := readOnly(filepath.Join(in.dir, app.DatabaseName))
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	keys, err := db.PrepareContext(ctx, "SELECT row FROM feed WHERE centre = $1 AND root = $2 AND rev > $3 ORDER BY rev LIMIT 1000")
	if err != nil {
		return 0, err
	}
	one, err := db.PrepareContext(ctx, `SELECT rev, "job", "kind", "text", "at", "author" FROM state_note WHERE centre = $1 AND id = $2`)
	if err != nil {
		return 0, err
	}
	start := time.Now()
	for range in.fleet {
		n := 0
		for _, root := range in.shared {
			ids, err := column(ctx, keys, in.centre[:], root[:], after)
			if err != nil {
				return 0, err
			}
			for _, id := range ids {
				var rev, at int64
				var job, author []byte
				var kind, text string
				if err := one.QueryRowContext(ctx, in.centre[:], id).Scan(&rev, &job, &kind, &text, &at, &author); err != nil {
					return 0, err
				}
				n++
			}
		}
		if n != changedRows {
			return 0, fmt.Errorf("bare reads found %d rows, want %d", n, changedRows)
		}
	}
	return time.Since(start).Seconds(), nil
}

func column(ctx context.Context, st *sql.Stmt, args ...any) (out [][]byte, err error) {
	rows, err := st.QueryContext(ctx, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var id []byte
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		out = append(out, id)
	}
	return out, rows.Err()
}
