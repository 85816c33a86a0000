package ledger_test

import (
	"context"
	"crypto/ed25519"
	"testing"

	"siteledger/server/fault"
	"siteledger/server/ledger"
	"siteledger/syncproto"
	"siteledger/syncproto/changelog"
)

func TestPushAppliesAndAcknowledges(t *testing.T) {
	w := openWorld(t)
	p := w.phone("李师傅")
	job, contact := w.job(p.dev.Person)
	rows, page := p.pullAll("", 2)
	if _, ok := rows[job]; !ok || page.Total == nil {
		t.Fatalf("the job is not in the feed: %d rows", len(rows))
	}
	visit := newID()
	p.record(update("job", job, rows[job].Rev, map[string]any{"status": "departed"}),
		insert("visit", visit, map[string]any{"job": job[:], "person": p.dev.Person[:], "started_at": w.now.UnixMilli()}))
	p.record(update("job_contact", contact, rows[contact].Rev, map[string]any{"phone": "13900000000"}))
	a := p.push()
	if a.Acked != 3 || len(a.Outcomes) != 0 {
		t.Fatalf("acked %d, outcomes %v", a.Acked, a.Outcomes)
	}
	rows, page = p.pullAll(page.Next, 500)
	if rows[job].Cols["status"] != "departed" || rows[contact].Cols["phone"] != "13900000000" || rows[visit].Table != "visit" {
		t.Fatalf("rows after push: %+v", rows)
	}
	if page.Passed == nil || page.Passed.Seq != 3 {
		t.Fatalf("passed: %+v", page.Passed)
	}
	if _, again := p.pullAll(page.Next, 500); len(again.Rows) != 0 || again.Next != page.Next {
		t.Fatalf("an unchanged feed gives %d rows", len(again.Rows))
	}
}

func TestPushTwiceChangesNothing(t *testing.T) {
	w := openWorld(t)
	p := w.phone("李师傅")
	job, _ := w.job(p.dev.Person)
	p.record(insert("note", newID(), map[string]any{"job": job[:], "kind": "note", "text": "门锁", "at": int64(1)}))
	p.record(update("nothing", newID(), 0, map[string]any{"x": "y"}))
	p.record(insert("note", newID(), map[string]any{"job": job[:], "kind": "note", "text": "二", "at": int64(2)}))
	first := p.push()
	for _, from := range []uint64{1, 2, 3} {
		a, err := w.led.Push(context.Background(), p.dev, p.request(from, 3))
		if err != nil {
			t.Fatalf("from %d: %v", from, err)
		}
		if a.Acked != 3 {
			t.Errorf("from %d: acked %d", from, a.Acked)
		}
		if from <= 2 && (len(a.Outcomes) != 1 || string(a.Outcomes[0].Case) != string(first.Outcomes[0].Case)) {
			t.Errorf("from %d: outcomes %v, first %v", from, a.Outcomes, first.Outcomes)
		}
	}
	if o := first.Outcomes[0]; o.Seq != 2 || o.Code != syncproto.Held || o.Reason != syncproto.UnknownTable {
		t.Errorf("outcome %+v", o)
	}
}

func TestPushRefuses(t *testing.T) {
	w := openWorld(t)
	p := w.phone("李师傅")
	job, _ := w.job(p.dev.Person)
	note := func(text string) ledger.Edit {
		return insert("note", newID(), map[string]any{"job": job[:], "kind": "note", "text": text, "at": int64(1)})
	}
	for range 4 {
		p.record(note("一"))
	}
	if _, err := w.led.Push(context.Background(), p.dev, p.request(1, 2)); err != nil {
		t.Fatal(err)
	}
	sign := func(r *syncproto.PushRequest) *syncproto.PushRequest {
		head := changelog.Hash(r.Prev)
		for _, c := range r.Changes {
			head = changelog.Next(head, c)
		}
		r.Head = head[:]
		last := r.From + uint64(len(r.Changes)) - 1
		r.Signature = ed25519.Sign(p.priv, changelog.PushMessage(p.dev.ID, p.epoch, last, head, p.boot, r.Mono, r.Wall))
		return r
	}
	cases := map[string]struct {
		req  func() *syncproto.PushRequest
		code syncproto.Code
	}{
		"gap":             {func() *syncproto.PushRequest { return p.request(4, 4) }, syncproto.LogGap},
		"wrong signature": {func() *syncproto.PushRequest { r := p.request(3, 4); r.Signature = make([]byte, 64); return r }, syncproto.SignatureInvalid},
		"broken chain": {func() *syncproto.PushRequest {
			r := p.request(3, 4)
			r.Changes = [][]byte{r.Changes[1], r.Changes[0]}
			return r
		}, syncproto.ChainBroken},
		"other history": {func() *syncproto.PushRequest { r := p.request(3, 4); r.History = make([]byte, 16); return r }, syncproto.HistoryChanged},
		"other device":  {func() *syncproto.PushRequest { r := p.request(3, 4); r.Device = make([]byte, 16); return r }, syncproto.WrongDevice},
		"empty":         {func() *syncproto.PushRequest { r := p.request(3, 4); r.Changes = nil; return r }, syncproto.EnvelopeInvalid},
		"fork by overlap": {func() *syncproto.PushRequest {
			r := p.request(2, 3)
			r.Changes = [][]byte{p.log[3], p.log[2]}
			return sign(r)
		}, syncproto.LogForked},
		"fork by prev": {func() *syncproto.PushRequest { r := p.request(3, 4); r.Prev = make([]byte, 32); return sign(r) }, syncproto.LogForked},
	}
	for name, c := range cases {
		_, err := w.led.Push(context.Background(), p.dev, c.req())
		if got := fault.CodeOf(err); got != c.code {
			t.Errorf("%s: got %s (%v), want %s", name, got, err, c.code)
		}
	}
	f := fault.Of(errOf(w.led.Push(context.Background(), p.dev, cases["fork by overlap"].req())))
	if f.Common == nil || *f.Common != 1 || f.Acked == nil || *f.Acked != 2 {
		t.Errorf("fork answer: common %v acked %v", f.Common, f.Acked)
	}
	if a := func() uint64 { p.acked = 2; return p.push().Acked }(); a != 4 {
		t.Errorf("after all refusals: acked %d", a)
	}
}

func errOf(_ *syncproto.PushAnswer, err error) error { return err }

func TestPushUndecodableIsHeldAndTheLogGoesOn(t *testing.T) {
	w := openWorld(t)
	p := w.phone("李师傅")
	job, _ := w.job(p.dev.Person)
	p.raw([]byte{0xff, 0x00})
	id := newID()
	p.record(insert("note", id, map[string]any{"job": job[:], "kind": "note", "text": "好", "at": int64(1)}))
	a := p.push()
	if a.Acked != 2 || len(a.Outcomes) != 1 || a.Outcomes[0].Reason != syncproto.Undecodable {
		t.Fatalf("acked %d outcomes %+v", a.Acked, a.Outcomes)
	}
	if rows, _ := p.pullAll("", 500); rows[id].Table != "note" {
		t.Error("the change behind it is not in the feed")
	}
}

func TestRevokedDeviceIsSetAside(t *testing.T) {
	w := openWorld(t)
	p := w.phone("李师傅")
	job, _ := w.job(p.dev.Person)
	p.record(insert("note", newID(), map[string]any{"job": job[:], "kind": "note", "text": "好", "at": int64(1)}))
	p.dev.Revoked = true
	_, err := w.led.Push(context.Background(), p.dev, p.request(1, 1))
	if fault.CodeOf(err) != syncproto.DeviceRevoked {
		t.Fatalf("got %v", err)
	}
}

func TestVerifyNamesTheAlteredChange(t *testing.T) {
	w := openWorld(t)
	p := w.phone("李师傅")
	job, _ := w.job(p.dev.Person)
	for range 5 {
		p.record(insert("note", newID(), map[string]any{"job": job[:], "kind": "note", "text": "记录", "at": int64(1)}))
	}
	p.push()
	keys := []ed25519.PublicKey{w.key.priv.Public().(ed25519.PublicKey)}
	verify := func() []ledger.Damage {
		var out []ledger.Damage
		n, err := ledger.Verify(context.Background(), w.st, w.centre, keys, func(d ledger.Damage) error { out = append(out, d); return nil })
		if err != nil || n.Changes == 0 {
			t.Fatalf("verify: %v, %+v", err, n)
		}
		return out
	}
	if got := verify(); len(got) != 0 {
		t.Fatalf("a sound ledger: %v", got)
	}
	batches, err := w.st.Batches(context.Background(), w.centre, 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	b := batches[len(batches)-1]
	changes, err := b.Unpack()
	if err != nil || b.Device != p.dev.ID {
		t.Fatal(err)
	}
	changes[2][len(changes[2])-1] ^= 1
	w.rewrite(b, changes)
	got := verify()
	if len(got) != 1 || got[0].Seq != 3 || got[0].Device != p.dev.ID || got[0].Epoch != p.epoch {
		t.Fatalf("damage: %+v", got)
	}
}
