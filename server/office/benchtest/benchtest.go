// Package benchtest is a small centre for tests of what a desk and
// headquarters decide: a real store and ledger in a temporary folder, the
// people, one phone with its own signed log, and a job that it worked on.
//
// It is for tests alone and fails them by itself.
package benchtest

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"testing"
	"time"

	"github.com/google/uuid"

	"siteledger/server/ledger"
	"siteledger/server/office"
	"siteledger/server/report"
	"siteledger/server/store"
	"siteledger/server/store/storetest"
	"siteledger/syncproto"
	"siteledger/syncproto/changelog"
	"siteledger/syncproto/schema"
)

// World is a server with headquarters, one centre and a second one that must
// never be seen from the first.
type World struct {
	testing.TB
	Store   *store.Store
	Ledger  *ledger.Ledger
	Bench   *office.Bench
	History report.JobHistory
	Schema  *schema.Descriptor
	Now     time.Time
	HQ      uuid.UUID
	Centre  uuid.UUID
	Other   uuid.UUID

	Clerk, Supervisor, Stranger office.Who // Stranger is a clerk of Other
	Adjudicator, Second, Admin  office.Who

	signer  signer
	history uuid.UUID
	phones  int
}

type signer struct{ key ed25519.PrivateKey }

// Sign implements ledger.Signer.
func (s signer) Sign(m []byte) []byte { return ed25519.Sign(s.key, m) }

// SignJWS implements ledger.Signer.
func (s signer) SignJWS(v any) (string, error) {
	b, err := json.Marshal(v)
	return base64.RawURLEncoding.EncodeToString(b), err
}

// NewID makes an id.
func NewID() uuid.UUID { return uuid.Must(uuid.NewV7()) }

// Open builds a world. Its clock stands at a Wednesday, 10:00 in China, and
// moves only by Pass.
func Open(tb testing.TB) *World {
	tb.Helper()
	ctx := context.Background()
	st := storetest.Open(tb, storetest.New(tb))
	seed := sha256.Sum256([]byte("bench"))
	w := &World{TB: tb, Store: st, Schema: schema.MustCurrent(), Now: time.UnixMilli(1_793_757_600_000), HQ: NewID(), Centre: NewID(), Other: NewID(),
		signer: signer{ed25519.NewKeyFromSeed(seed[:])}}
	var err error
	if w.history, err = st.History(ctx, NewID(), w.Now.UnixMilli()); err != nil {
		tb.Fatal(err)
	}
	w.Ledger, err = ledger.New(ledger.Config{Update: st.UpdateCentre, Create: st.CreateStream, History: w.history, Schema: w.Schema, Signer: w.signer,
		Limits: syncproto.DefaultLimits(), Now: w.now, NewID: NewID, Salt: func() [16]byte { return NewID() }})
	if err != nil {
		tb.Fatal(err)
	}
	for _, s := range []uuid.UUID{w.HQ, w.Centre, w.Other} {
		if err := w.Ledger.CreateStream(ctx, s, s == w.HQ); err != nil {
			tb.Fatal(err)
		}
	}
	w.Bench = office.NewBench(w.Ledger, st, w.Schema, w.now, NewID)
	w.History = report.JobHistory{Ledger: w.Ledger, Mention: st}
	w.Write(w.Centre, System(), Insert("centre", NewID(), map[string]any{"name": "城东服务中心", "name_en": "East centre", "phone": "400-820-1234", "hours": "8:40—18:00"}))
	w.Clerk, w.Supervisor = w.Person(w.Centre, "王芳", schema.Clerk), w.Person(w.Centre, "赵敏", schema.Supervisor)
	w.Stranger = w.Person(w.Other, "外人", schema.Clerk)
	w.Adjudicator, w.Second = w.Person(w.HQ, "周判", schema.Adjudicator), w.Person(w.HQ, "吴复", schema.Adjudicator)
	w.Admin = w.Person(w.HQ, "管理员", schema.Admin)
	return w
}

func (w *World) now() time.Time { return w.Now }

// Pass moves the clock.
func (w *World) Pass(d time.Duration) { w.Now = w.Now.Add(d) }

// System is the author of the server's own entries.
func System() ledger.Author { return ledger.Author{Role: schema.Server} }

// Insert is a new row.
func Insert(table string, id uuid.UUID, cols map[string]any) ledger.Edit {
	return ledger.Edit{Table: table, Row: id, Op: changelog.Insert, Cols: cols}
}

// Update changes a row.
func Update(table string, id uuid.UUID, base uint64, cols map[string]any) ledger.Edit {
	return ledger.Edit{Table: table, Row: id, Op: changelog.Update, Base: base, Cols: cols}
}

// Author is a person in an office log.
func Author(who office.Who) ledger.Author { return ledger.Author{Person: who.Person, Role: who.Role} }

// Write writes to an office log and must succeed.
func (w *World) Write(centre uuid.UUID, by ledger.Author, edits ...ledger.Edit) ledger.Written {
	w.Helper()
	out, err := w.Ledger.Write(context.Background(), centre, by, edits)
	if err != nil {
		w.Fatalf("office write: %v", err)
	}
	return out
}

// Person adds somebody.
func (w *World) Person(stream uuid.UUID, name string, role schema.Role) office.Who {
	w.Helper()
	id := NewID()
	w.Write(stream, System(), Insert("person", id, map[string]any{"name": name, "role": string(role), "active": true}))
	return office.Who{Person: id, Role: role, Centre: stream}
}

// Row reads a row, which must be there.
func (w *World) Row(table string, id uuid.UUID) schema.Row {
	w.Helper()
	r, ok, err := w.Store.StateRow(context.Background(), w.Centre, table, id)
	if err != nil || !ok {
		w.Fatalf("row %s %s: %v, found %v", table, id, err, ok)
	}
	return r
}

// File reads a whole job.
func (w *World) File(job uuid.UUID) report.JobFile {
	w.Helper()
	f, err := w.Store.JobFile(context.Background(), w.Centre, job)
	if err != nil {
		w.Fatal(err)
	}
	return f
}

// Case finds the one open case of a kind and column.
func (w *World) Case(job uuid.UUID, kind, column string) report.Case {
	w.Helper()
	var found []report.Case
	for _, c := range w.File(job).Cases {
		if c.Kind == kind && c.Column == column && c.Open {
			found = append(found, c)
		}
	}
	if len(found) != 1 {
		w.Fatalf("there are %d open cases %s %s, want one", len(found), kind, column)
	}
	return found[0]
}

// Arrive marks files as read back and checked, as the blob service does.
func (w *World) Arrive(device uuid.UUID, shas ...[]byte) {
	w.Helper()
	for _, sha := range shas {
		w.Write(w.Centre, System(), Insert("stored_blob", NewID(), map[string]any{"sha256": sha, "size": int64(1000), "type": "image/jpeg", "purpose": "photo",
			"device": device[:], "at": w.Now.UnixMilli()}))
	}
}

// Sum is the hash of some text, for files that only need a name.
func Sum(text string) []byte {
	h := sha256.Sum256([]byte(text))
	return h[:]
}
