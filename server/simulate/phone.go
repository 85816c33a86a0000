package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/google/uuid"

	clientsdk "siteledger/client-sdk"
	"siteledger/syncproto/schema"
)

// phone is one installer's phone with the real client on it.
type phone struct {
	w      *world
	name   string
	site   *site
	person uuid.UUID
	dir    string
	lives  int
	client *clientsdk.Client
	schema *schema.Descriptor // that its app knows, where that is not today's
	rng    *rand.Rand         // the app's own randomness
	made   *ids
	offset time.Duration // of its clock
	boot   uuid.UUID
	booted time.Time
	pages  int // rows of a page, 0 for the client's own wish

	token     string            // last bearer token seen
	stale     []byte            // an earlier answer to a push
	staleForm string            // how that was written
	dead      bool              // killed in this round
	gone      bool              // revoked: no longer part of the world
	other     bool              // restored, or one of two: it may have to sign in again
	lied      bool              // an old answer came in this round
	twin      bool              // a copy of another phone, or one that was copied
	photos    map[[32]byte]bool // taken on this phone and not yet verified
	unnamed   map[[32]byte]bool // taken on this phone, and the row that was to name it was refused
	loose     map[[32]byte]bool // previews that no row names, by the last look: the phone may throw these away
	texts     int
	must      map[uuid.UUID]string // rows that its log makes, which have to reach the ledger
	aged      int                  // step in which its token last expired on the way
}

// image is a copy of a phone's files, for a restore days later.
type image struct {
	phone *phone
	dir   string
	due   time.Time
}

func itoa(n int) string { return strconv.Itoa(n) }

func (p *phone) pageText() string { return itoa(p.pages) }

func (w *world) newPhone(ctx context.Context, s *site, person uuid.UUID) error {
	p := w.makePhone(s, person)
	w.older.draw(w, p)
	if err := copyTree(filepath.Join(w.template.dir, templatePhone), p.dir); err != nil {
		return err
	}
	if err := p.open(); err != nil {
		return err
	}
	calm := w.calm
	w.calm = true
	defer func() { w.calm = calm }()
	return p.enrol(ctx)
}

func (w *world) makePhone(s *site, person uuid.UUID) *phone {
	w.count++
	p := &phone{w: w, name: fmt.Sprintf("phone%d", w.count), site: s, person: person, photos: map[[32]byte]bool{}, unnamed: map[[32]byte]bool{}}
	p.dir = filepath.Join(w.dir, p.name)
	p.rng = rand.New(rand.NewPCG(w.seed, uint64(w.count)))
	p.made = &ids{now: w.node.now, rand: p.rng}
	if w.rng.IntN(2) == 0 {
		p.pages = 1 + w.rng.IntN(6)
	}
	w.phone = append(w.phone, p)
	return p
}

// open starts the app on its present folder.
func (p *phone) open() error {
	p.boot, p.booted = uuid.UUID(seededBytes(p.rng)), p.w.at
	c, err := clientsdk.Open(clientsdk.Config{
		Dir: p.dir, Server: appURL, Schema: p.schema, Now: func() time.Time { return p.w.at.Add(p.offset) }, Rand: seeded{p.rng}, NewID: p.newID,
		Mono:      func() (uuid.UUID, uint64) { return p.boot, uint64(p.w.at.Sub(p.booted).Milliseconds()) },
		FreeBytes: func(string) (int64, error) { return 20 << 30, nil },
		HTTP:      &http.Client{Transport: trip(func(r *http.Request) (*http.Response, error) { return p.w.toServer(p, r) })},
		Platform:  "simulated", Model: "simulated", App: "simulated",
		UploadsAtOnce: 1, // a world is played by one goroutine
	})
	if err != nil {
		return fmt.Errorf("open %s: %w", p.name, err)
	}
	p.client = c
	return nil
}

// newID makes an id of the app's own chance; the machine's clock is right, the
// phone's is not always.
func (p *phone) newID() (uuid.UUID, error) { return p.made.next() }

func seededBytes(r *rand.Rand) (b [16]byte) {
	_, _ = seeded{r}.Read(b[:])
	return b
}

// enrol gives the phone a code of its person's and uses it.
func (p *phone) enrol(ctx context.Context) error {
	code, _, err := p.w.node.core.Auth.OperatorCode(ctx, p.person)
	if err != nil {
		return err
	}
	return p.client.Enrol(ctx, code)
}

// kill keeps what the phone's files hold at this moment for its next life.
func (p *phone) kill() error {
	p.lives++
	p.dead = true
	if err := copyTree(p.dir, p.next()); err != nil {
		return err
	}
	return errCut
}

// powerCut takes a phone's electricity right after something was recorded:
// what it recorded is there when it starts again.
func (p *phone) powerCut(ctx context.Context) error {
	if err := p.record(ctx); err != nil {
		return err
	}
	before, err := p.recorded(ctx)
	if err != nil {
		return err
	}
	p.lives++
	if err := copyTree(p.dir, p.next()); err != nil {
		return err
	}
	if err := p.w.cutPower(p.dir, p.next()); err != nil {
		return err
	}
	if err := p.moveTo(p.next()); err != nil {
		return err
	}
	after, err := p.recorded(ctx)
	if err == nil && after != before {
		p.w.oracle.fail(broken("I1", "%s had recorded %d changes and a power cut left %d", p.name, before, after))
	}
	return err
}

// recorded counts the changes in the phone's logs.
func (p *phone) recorded(ctx context.Context) (n int, err error) {
	db, err := sql.Open("sqlite", "file:"+filepath.Join(p.dir, "phone.db")+"?_pragma=query_only(1)")
	if err != nil {
		return 0, err
	}
	defer db.Close()
	err = db.QueryRowContext(ctx, `SELECT count(*) FROM change`).Scan(&n)
	return n, err
}

func (p *phone) next() string { return filepath.Join(p.w.dir, fmt.Sprintf("%s-%d", p.name, p.lives)) }

// moveTo ends the app and starts it on other files.
func (p *phone) moveTo(dir string) error {
	if err := p.client.Close(); err != nil {
		return err
	}
	if err := os.RemoveAll(p.dir); err != nil {
		return err
	}
	p.dir, p.dead = dir, false
	return p.open()
}

// sync is one round of the real client.
func (p *phone) sync(ctx context.Context) (clientsdk.Round, error) {
	r, err := p.client.Sync(ctx)
	p.w.tell("%s synced: pushed %d pulled %d uploaded %d waiting %d: %s", p.name, r.Pushed, r.Pulled, r.Uploaded, r.Waiting, word(err))
	if r.Repaired && !p.dead {
		p.w.oracle.fail(broken("I5", "%s needed a repair: its feed had skipped or shown something wrong", p.name))
	}
	if p.dead {
		if err := p.moveTo(p.next()); err != nil {
			return r, err
		}
		p.w.tell("%s started again", p.name)
		p.w.oracle.fail(p.ordered(ctx))
		p.w.oracle.fail(p.undeceived(ctx))
		return r, nil
	}
	if err != nil {
		p.w.oracle.fail(p.ordered(ctx))
		p.w.oracle.fail(p.timer(ctx))
		p.w.oracle.fail(known(p, err))
	}
	p.w.oracle.fail(p.undeceived(ctx))
	return r, nil
}

// undeceived looks, behind a round with an old answer in it, what the phone
// believes: at once, since a server that is restored later forgets in truth.
func (p *phone) undeceived(ctx context.Context) error {
	if !p.lied {
		return nil
	}
	p.lied = false
	return p.believes(ctx)
}

// known refuses errors that no fault explains.
func known(p *phone, err error) error {
	code := clientsdk.CodeOf(err)
	if code == clientsdk.CodeSignIn && !p.other {
		return broken("I7", "%s was locked out: %v", p.name, err)
	}
	switch code {
	case clientsdk.CodeOffline, clientsdk.CodeNotOurServer, clientsdk.CodeBusy, clientsdk.CodeSignIn, clientsdk.CodeRevoked, clientsdk.CodeRefused:
		return nil
	default:
		if !p.w.calm && len(p.w.kinds) > 0 {
			return nil
		}
		return broken("I7", "%s: a round failed with %s: %v", p.name, code, err)
	}
}

// changesOf tells what the phone's log says of a row, for a finding.
func (p *phone) changesOf(ctx context.Context, row uuid.UUID) string {
	return p.changes(ctx, "c.row = $1", row[:])
}

// changes tells what the phone's log says of the changes that a condition names.
func (p *phone) changes(ctx context.Context, where string, arg any) string {
	db, err := sql.Open("sqlite", "file:"+filepath.Join(p.dir, "phone.db")+"?_pragma=query_only(1)")
	if err != nil {
		return err.Error()
	}
	defer db.Close()
	var text sql.NullString
	var args []any
	if arg != nil {
		args = append(args, arg)
	}
	err = db.QueryRowContext(ctx, `
		SELECT group_concat(e.ord || '/' || c.seq || ' ' || c.tbl || ' op ' || c.op || ' ' || c.state || ' ' || c.outcome || ' ' || c.reason
			|| ', log acked ' || e.acked || ' ended ' || coalesce(e.ended, '-') || ' verify ' || e.verify, '; ')
		FROM change c JOIN epoch e ON e.epoch = c.epoch
		WHERE `+where, args...).Scan(&text)
	if err != nil {
		return err.Error()
	}
	return text.String
}

// believes looks that what the phone takes for acknowledged, is (I1). A log whose
// end it has yet to prove to a new history claims nothing: its work counts as
// unsent until then.
func (p *phone) believes(ctx context.Context) error {
	db, err := sql.Open("sqlite", "file:"+filepath.Join(p.dir, "phone.db")+"?_pragma=query_only(1)")
	if err != nil {
		return err
	}
	defer db.Close()
	rows, err := db.QueryContext(ctx, `SELECT epoch, acked FROM epoch WHERE verify = 0`)
	if err != nil {
		return err
	}
	defer rows.Close()
	id, _ := p.client.Identity()
	for rows.Next() {
		k := logKey{device: id.Device}
		var acked uint64
		if err := rows.Scan(&k.epoch, &acked); err != nil {
			return err
		}
		if m := p.w.oracle.logs[k]; acked > 0 && (m == nil || m.acked < acked) {
			return broken("I1", "%s believes that %d changes are acknowledged, and they are not", p.name, acked)
		}
	}
	return rows.Err()
}

// timer looks whether a phone that failed will try again by itself.
func (p *phone) timer(ctx context.Context) error {
	st, err := p.client.Status(ctx)
	if err != nil {
		return err
	}
	if st.Problem.Code == "" || st.NextTry.UnixMilli() == 0 {
		return broken("I7", "%s failed and has no timer to try again (problem %q, next %v)", p.name, st.Problem.Code, st.NextTry)
	}
	return nil
}

func word(err error) string {
	if err == nil {
		return "ok"
	}
	return string(clientsdk.CodeOf(err))
}

// step is one thing that the installer does.
func (p *phone) record(ctx context.Context) error {
	w := p.w
	var jobs []schema.Row
	if err := p.client.View(ctx, func(v *clientsdk.View) (err error) {
		jobs, err = v.Rows("job", clientsdk.Query{})
		return err
	}); err != nil {
		return err
	}
	var open []schema.Row
	for _, j := range jobs {
		if s := j.Text("status"); s == "dispatched" || s == "departed" || s == "arrived" || (s == "finished" && w.rng.IntN(3) == 0) {
			open = append(open, j)
		}
	}
	if len(p.site.jobs) < maxJobs && w.rng.IntN(20) == 0 {
		return p.found(ctx)
	}
	if len(open) == 0 || w.rng.IntN(12) == 0 {
		return p.edit(ctx, "day summary", p.daySummary)
	}
	j := open[w.rng.IntN(len(open))]
	var visits []schema.Row
	if err := p.client.View(ctx, func(v *clientsdk.View) (err error) {
		visits, err = v.Rows("visit", clientsdk.Query{Where: map[string]any{"job": j.ID}})
		return err
	}); err != nil {
		return err
	}
	if j.Text("status") == "dispatched" || (j.Text("status") == "departed" && len(visits) == 0) {
		return p.edit(ctx, "arrive", func(e *clientsdk.Edit) error { return p.arrive(e, j) })
	}
	if len(visits) == 0 {
		return p.edit(ctx, "note", func(e *clientsdk.Edit) error { return p.note(e, j) })
	}
	return p.work(ctx, j, visits[w.rng.IntN(len(visits))])
}

// edit runs one transaction of the phone; a refusal by the rules of the trade
// is part of the story.
func (p *phone) edit(ctx context.Context, what string, fn func(*clientsdk.Edit) error) error {
	err := p.client.Edit(ctx, fn)
	p.w.tell("%s %s: %s", p.name, what, word(err))
	if err == nil {
		p.w.did["phone "+what]++
	}
	var e *clientsdk.Error
	if errors.As(err, &e) {
		return nil
	}
	return err
}

func (p *phone) text() string {
	p.texts++
	return fmt.Sprintf("%s %s %d", p.name, p.site.canary, p.texts)
}

func (p *phone) millis() int64 { return p.w.at.Add(p.offset).UnixMilli() }

func (p *phone) daySummary(e *clientsdk.Edit) error {
	rows, err := e.Rows("day_summary", clientsdk.Query{Where: map[string]any{"day": "today"}})
	if err != nil {
		return err
	}
	if len(rows) > 0 {
		return e.Update("day_summary", rows[0].ID, map[string]any{"text": p.text()})
	}
	_, err = e.Insert("day_summary", map[string]any{"day": "today", "text": p.text()})
	return err
}

func (p *phone) note(e *clientsdk.Edit, j schema.Row) error {
	_, err := e.Insert("note", map[string]any{"job": j.ID, "kind": "note", "text": p.text(), "at": p.millis(), "author": p.person})
	return err
}

func (p *phone) arrive(e *clientsdk.Edit, j schema.Row) error {
	if j.Text("status") == "dispatched" {
		if err := e.Update("job", j.ID, map[string]any{"status": "departed"}); err != nil {
			return err
		}
	}
	if err := e.Update("job", j.ID, map[string]any{"status": "arrived"}); err != nil {
		return err
	}
	visit, err := e.Insert("visit", map[string]any{"job": j.ID, "person": p.person, "started_at": p.millis(), "note": p.text()})
	if err != nil {
		return err
	}
	_, err = e.Insert("visit_event", map[string]any{"visit": visit, "kind": "arrive", "at": p.millis()})
	return err
}

// work is something done on a visit.
func (p *phone) work(ctx context.Context, j, visit schema.Row) error {
	w := p.w
	switch w.rng.IntN(14) {
	case 0:
		return p.edit(ctx, "note", func(e *clientsdk.Edit) error { return p.note(e, j) })
	case 1, 2:
		return p.edit(ctx, "contact", func(e *clientsdk.Edit) error {
			col := []string{"phone", "note"}[w.rng.IntN(2)]
			return p.updateFirst(e, "job_contact", "job", j.ID, map[string]any{col: p.text()})
		})
	case 3:
		return p.edit(ctx, "slot", func(e *clientsdk.Edit) error {
			at := w.at.Truncate(time.Hour).Add(time.Duration(1+w.rng.IntN(48)) * time.Hour).UnixMilli()
			return e.Update("job", j.ID, map[string]any{"slot_from": at, "slot_to": at + 3600_000})
		})
	case 4:
		return p.edit(ctx, "visit", func(e *clientsdk.Edit) error {
			return e.Update("visit", visit.ID, map[string]any{"note": p.text(), "outcome": []string{"solved", "unsolved", "parts"}[w.rng.IntN(3)]})
		})
	case 5:
		return p.edit(ctx, "service record", func(e *clientsdk.Edit) error { return p.serviceRecord(e, visit) })
	case 6:
		return p.edit(ctx, "fee", func(e *clientsdk.Edit) error { return p.fee(e, visit) })
	case 7:
		return p.edit(ctx, "lower fee", func(e *clientsdk.Edit) error {
			return p.updateFirst(e, "fee_line", "visit", visit.ID, map[string]any{"charged": int64(100 + w.rng.IntN(4000)), "basis": "below", "reason": p.text()})
		})
	case 8:
		return p.edit(ctx, "receipt", func(e *clientsdk.Edit) error {
			no, err := e.NextReceipt()
			if err != nil {
				return err
			}
			_, err = e.Insert("receipt", map[string]any{"visit": visit.ID, "no": no, "amount": int64(100 + w.rng.IntN(90000)), "currency": "CNY", "way": "cash", "issued_at": p.millis()})
			return err
		})
	case 9, 10:
		return p.photo(ctx, j, visit)
	case 11:
		return p.defect(ctx, j, visit)
	case 12:
		return p.sign(ctx, visit)
	}
	return p.edit(ctx, "finish", func(e *clientsdk.Edit) error {
		if _, err := e.Insert("visit_close", map[string]any{"visit": visit.ID, "at": p.millis(), "rows": int64(1), "photos": int64(0)}); err != nil {
			return err
		}
		if j.Text("status") != "arrived" {
			return nil
		}
		return e.Update("job", j.ID, map[string]any{"status": "finished"})
	})
}

func (p *phone) updateFirst(e *clientsdk.Edit, table, parent string, id uuid.UUID, cols map[string]any) error {
	rows, err := e.Rows(table, clientsdk.Query{Where: map[string]any{parent: id}})
	if err != nil || len(rows) == 0 {
		return err
	}
	return e.Update(table, rows[0].ID, cols)
}

func (p *phone) serviceRecord(e *clientsdk.Edit, visit schema.Row) error {
	rows, err := e.Rows("service_record", clientsdk.Query{Where: map[string]any{"visit": visit.ID}})
	if err != nil {
		return err
	}
	if len(rows) > 0 {
		return e.Update("service_record", rows[0].ID, map[string]any{"measure": p.text(), "cleaned": p.w.rng.IntN(2) == 0})
	}
	_, err = e.Insert("service_record", map[string]any{"visit": visit.ID, "fault": p.text()})
	return err
}

func (p *phone) fee(e *clientsdk.Edit, visit schema.Row) error {
	price := int64(5000)
	_, err := e.Insert("fee_line", map[string]any{"visit": visit.ID, "item": "F01", "standard_version": "1", "quantity": int64(1), "standard_price": price,
		"charged": price, "currency": "CNY", "basis": "standard"})
	return err
}
