package api_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"siteledger/syncproto"
	"siteledger/syncproto/changelog"
	"siteledger/syncproto/mutate"
)

// write pushes edits as one transaction each and moves the log on.
func (p *phone) write(changes ...*changelog.Change) answer {
	p.w.tb.Helper()
	var list [][]byte
	for i, ch := range changes {
		seq := p.seq + 1 + uint64(i)
		ch.Seq, ch.Txn, ch.Last, ch.Actor, ch.Schema, ch.Boot, ch.Salt = seq, seq, true, p.person, 1, p.boot, newID(p.w.tb)
		ch.HLC, ch.Wall = uint64(time.Now().UnixMilli())<<16, time.Now().UnixMilli()
		b, err := p.w.codec.Encode(ch)
		must(p.w.tb, err)
		list = append(list, b)
	}
	req := p.batch(list...)
	res := p.push(req)
	if res.status == 200 {
		p.seq, p.head = p.seq+uint64(len(list)), changelog.Hash(req.Head)
	}
	return res
}

// owned is what one phone's person has, with a word that stands nowhere else.
type owned struct {
	*phone
	canary string
	job    uuid.UUID
	rows   []uuid.UUID
	cursor string
}

func own(p *phone, canary string) *owned {
	o := &owned{phone: p, canary: canary, job: newID(p.w.tb)}
	id := func() uuid.UUID {
		n := newID(p.w.tb)
		o.rows = append(o.rows, n)
		return n
	}
	o.rows = append(o.rows, o.job)
	res := p.write(
		&changelog.Change{Table: "day_summary", Row: id(), Op: changelog.Insert, Cols: map[string]any{"day": "2026-11-22", "text": canary + " day"}},
		&changelog.Change{Table: "job", Row: o.job, Op: changelog.Insert, Cols: map[string]any{"kind": "repair", "intake_at": int64(1), "asked_work": canary + " work", "warranty": "out", "status": "new"}},
		&changelog.Change{Table: "job_contact", Row: id(), Op: changelog.Insert, Cols: map[string]any{"job": o.job[:], "name": canary + " name", "phone": canary}},
		&changelog.Change{Table: "note", Row: id(), Op: changelog.Insert, Cols: map[string]any{"job": o.job[:], "kind": "note", "text": canary + " note", "at": int64(1)}})
	var a syncproto.PushAnswer
	res.cbor(p.w.tb, &a)
	if len(a.Outcomes) > 0 {
		p.w.tb.Fatalf("own work: %+v", a.Outcomes)
	}
	o.cursor = o.pulled().Next
	return o
}

func (o *owned) pulled() (page struct {
	Next string
	Rows []struct{ Cols map[string]any }
}) {
	o.w.tb.Helper()
	res := o.w.call("GET", syncproto.PathPull+"?limit=1000", o.answer.AccessToken, nil)
	must(o.w.tb, json.Unmarshal(res.body, &page))
	return page
}

// TestSwappedIDs: phones of three people, two of one centre and one of
// another, call every route with each other's rows, roots, jobs, cursors and
// device ids. No answer holds another's canary word, no row of another's
// changes, and a token that was revoked or is none opens nothing (A21, P7).
func TestSwappedIDs(t *testing.T) {
	w := newWorld(t)
	third := w.phone(w.supervisor)
	all := []*owned{own(w.phone(w.installer), "KANARI-A"), own(w.phone(w.stranger), "KANARI-B"), own(third, "KANARI-C")}
	before := make([]string, len(all))
	for i, o := range all {
		before[i] = string(o.mineAsJSON())
	}
	r := rand.New(rand.NewPCG(21, 4))
	swaps := mutate.Scale(onTurn(600))
	for range swaps {
		me := all[r.IntN(len(all))]
		other := all[r.IntN(len(all))]
		if me == other {
			continue
		}
		res, what := me.reach(r, other)
		for _, o := range all {
			if o != me && bytes.Contains(res.body, []byte(o.canary)) {
				t.Fatalf("%s shows %s's words to %s: %.300s", what, o.canary, me.canary, res.body)
			}
		}
	}
	for i, o := range all {
		if after := string(o.mineAsJSON()); after != before[i] {
			t.Errorf("%s's rows changed", o.canary)
		}
	}
	t.Logf("%d swaps, 0 canaries", swaps)
}

// mineAsJSON are the rows that carry the owner's word, as the owner sees them.
func (o *owned) mineAsJSON() []byte {
	var mine []string
	for _, r := range o.pulled().Rows {
		b, err := json.Marshal(r.Cols)
		must(o.w.tb, err)
		if bytes.Contains(b, []byte(o.canary)) {
			mine = append(mine, string(b))
		}
	}
	slices.Sort(mine)
	b, err := json.Marshal(mine)
	must(o.w.tb, err)
	if len(mine) != 4 {
		o.w.tb.Fatalf("%s has %d rows: %s", o.canary, len(mine), b)
	}
	return b
}

// reach is one try of a phone to get at another's work.
func (o *owned) reach(r *rand.Rand, other *owned) (answer, string) {
	token, row := o.answer.AccessToken, other.rows[r.IntN(len(other.rows))]
	switch r.IntN(9) {
	case 0:
		return o.w.call("GET", syncproto.PathPull+"?cursor="+other.cursor, token, nil), "another's cursor"
	case 1:
		root := []uuid.UUID{row, other.job, other.person, o.w.other, o.w.centre}[r.IntN(5)]
		b, err := json.Marshal(map[string]any{"roots": []any{map[string]any{"root": root, "count": 1, "sum": "0000000000000000"}}})
		must(o.w.tb, err)
		return o.w.call("POST", syncproto.PathRepair, token, b), "repair of another's root"
	case 2:
		cols := map[string]any{"text": "taken"}
		return o.write(&changelog.Change{Table: "day_summary", Row: row, Op: changelog.Update, Cols: cols, Was: map[string]any{}}), "update of another's row"
	case 3:
		return o.write(&changelog.Change{Table: "note", Row: newID(o.w.tb), Op: changelog.Insert, Cols: map[string]any{"job": other.job[:], "kind": "note", "text": "x", "at": int64(1)}}), "a note on another's job"
	case 4:
		return o.write(&changelog.Change{Table: "assignment", Row: newID(o.w.tb), Op: changelog.Insert, Cols: map[string]any{"job": other.job[:], "person": o.person[:], "active": true}}), "joining another's job"
	case 5:
		return o.write(&changelog.Change{Table: "job", Row: row, Op: changelog.Insert, Cols: map[string]any{"kind": "repair", "intake_at": int64(1), "asked_work": "x", "warranty": "out", "status": "new"}}), "a job under another's id"
	case 6:
		req := o.batch(o.note(o.seq+1, "x"))
		req.Device, req.Epoch = other.answer.Device[:], other.epoch[:]
		return o.push(req), "a batch of another's device"
	case 7:
		sum := sha256.Sum256(row[:])
		return o.w.call("GET", syncproto.PathBlobs+hex.EncodeToString(sum[:]), token, nil), "another's blob"
	}
	return o.w.call("GET", syncproto.PathPull+"?limit=1000", token, nil), "a pull"
}
