// Package webtest is the kit of the screens' tests: a headquarters and two
// centres on a real store, ledger and sign-in, a site over them, and a browser
// that reads pages by selector. It is used by tests alone.
package webtest

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"io"
	"log/slog"
	"testing"
	"time"

	"siteledger/server/auth"
	"siteledger/server/blob"
	"siteledger/server/fault"
	"siteledger/server/feed"
	"siteledger/server/ledger"
	"siteledger/server/store"
	"siteledger/server/store/storetest"
	"siteledger/server/web"
	"siteledger/syncproto"
	"siteledger/syncproto/changelog"
	"siteledger/syncproto/schema"

	"github.com/google/uuid"
)

// Password is everybody's.
const Password = "correct horse 3"

// World is a server's inside with a clock that tests move.
type World struct {
	testing.TB
	Store   *store.Store
	Ledger  *ledger.Ledger
	Feed    *feed.Feed
	Auth    *auth.Auth
	Site    *web.Site
	Photos  Photos
	Now     time.Time
	Schema  *schema.Descriptor
	HQ      uuid.UUID
	Centre  uuid.UUID
	Other   uuid.UUID
	People  map[string]auth.Person // by login: admin, judge, boss, clerk, clerk2, li, wang; of the other centre clerk-b, zhao
	History uuid.UUID
}

// Photos are stored blobs by centre and hash.
type Photos map[uuid.UUID]map[[32]byte][]byte

// Open gives the bytes as a JPEG.
func (p Photos) Open(_ context.Context, centre uuid.UUID, sha [32]byte) (io.ReadSeekCloser, blob.Info, error) {
	b, ok := p[centre][sha]
	if !ok {
		return nil, blob.Info{}, fault.New(syncproto.NotFound, "error.not-found")
	}
	return open{bytes.NewReader(b)}, blob.Info{Size: int64(len(b)), Type: "image/jpeg", Purpose: syncproto.PurposePhoto}, nil
}

// Keep takes a file in by its hash.
func (p Photos) Keep(_ context.Context, centre, _ uuid.UUID, _, _ string, r io.ReadSeeker) ([32]byte, int64, error) {
	b, err := io.ReadAll(r)
	if err != nil {
		return [32]byte{}, 0, err
	}
	if p[centre] == nil {
		p[centre] = map[[32]byte][]byte{}
	}
	sha := sha256.Sum256(b)
	p[centre][sha] = b
	return sha, int64(len(b)), nil
}

type open struct{ *bytes.Reader }

func (open) Close() error { return nil }

// ID makes a new id.
func ID() uuid.UUID { return uuid.Must(uuid.NewV7()) }

// Open builds a world whose site has the areas that doors makes of it.
func Open(tb testing.TB, doors func(w *World) []web.Area) *World {
	tb.Helper()
	ctx := context.Background()
	w := &World{TB: tb, Now: time.Date(2026, 11, 22, 9, 0, 0, 0, web.DefaultZone()), Schema: schema.MustCurrent(), HQ: ID(), Centre: ID(), Other: ID(),
		Photos: Photos{}, People: map[string]auth.Person{}}
	var err error
	w.Store = storetest.Open(tb, storetest.New(tb))
	_, private, err := ed25519.GenerateKey(rand.Reader)
	w.must(err)
	keys := auth.NewKeys(private)
	w.History, err = w.Store.History(ctx, ID(), w.Now.UnixMilli())
	w.must(err)
	w.Ledger, err = ledger.New(ledger.Config{Update: w.Store.UpdateCentre, Create: w.Store.CreateStream, History: w.History, Schema: w.Schema,
		Signer: keys, Limits: syncproto.DefaultLimits(), Now: w.now, NewID: ID, Salt: func() [16]byte { return ID() }})
	w.must(err)
	for _, id := range []uuid.UUID{w.HQ, w.Centre, w.Other} {
		w.must(w.Ledger.CreateStream(ctx, id, id == w.HQ))
	}
	w.Auth, err = auth.New(auth.Config{Store: w.Store, Journal: w.Ledger, Keys: keys, History: w.History, Schema: schema.Current, Now: w.now, Rand: rand.Reader, NewID: uuid.NewV7,
		Cost: auth.Cost{Memory: 64, Time: 1}})
	w.must(err)
	w.staff(ctx)
	w.Site, err = web.New(web.Config{Sessions: w.Auth, Areas: doors(w), SetLanguage: w.Auth.SetLanguage, Schema: w.Schema, Now: w.now, Log: slog.New(slog.DiscardHandler)})
	w.must(err)
	return w
}

func (w *World) now() time.Time { return w.Now }

// Clock is the world's clock, for whatever a test builds on it.
func (w *World) Clock() func() time.Time { return w.now }

func (w *World) staff(ctx context.Context) {
	hashed := ""
	for _, p := range []auth.NewPerson{
		{Centre: w.HQ, Login: "admin", Name: "管理员", Role: schema.Admin},
		{Centre: w.HQ, Login: "judge", Name: "判定员", Role: schema.Adjudicator},
		{Centre: w.Centre, Login: "boss", Name: "周主管", Role: schema.Supervisor},
		{Centre: w.Centre, Login: "clerk", Name: "王芳", Role: schema.Clerk},
		{Centre: w.Centre, Login: "clerk2", Name: "陈静", Role: schema.Clerk},
		{Centre: w.Centre, Login: "li", Name: "李师傅", Role: schema.Installer},
		{Centre: w.Centre, Login: "wang", Name: "王师傅", Role: schema.Installer},
		{Centre: w.Other, Login: "clerk-b", Name: "外中心客服", Role: schema.Clerk},
		{Centre: w.Other, Login: "zhao", Name: "赵师傅", Role: schema.Installer},
	} {
		made, hash, err := w.hire(ctx, p, hashed)
		w.must(err)
		hashed = hash
		w.People[p.Login] = made
	}
}

// hire adds somebody. The password is hashed for the first one alone, because
// hashing is slow on purpose.
func (w *World) hire(ctx context.Context, p auth.NewPerson, hashed string) (auth.Person, string, error) {
	if hashed == "" {
		p.Password = Password
		made, _, err := w.Auth.CreatePerson(ctx, auth.Operator(), p)
		if err != nil {
			return made, "", err
		}
		acc, err := w.Store.AccountByID(ctx, made.ID)
		return made, acc.Hash, err
	}
	id := w.Insert(p.Centre, "person", map[string]any{"name": p.Name, "login": p.Login, "role": string(p.Role), "active": true})
	err := w.Store.SetCredential(ctx, auth.Credential{Person: id, Centre: p.Centre, Login: p.Login, Hash: hashed, At: w.Now.UnixMilli()})
	return auth.Person{ID: id, Centre: p.Centre, Name: p.Name, Login: p.Login, Role: p.Role, Active: true}, hashed, err
}

// Author is somebody as the ledger knows authors.
func (w *World) Author(login string) ledger.Author {
	p := w.People[login]
	return ledger.Author{Person: p.ID, Role: p.Role}
}

// Insert writes one row into a centre's log as the server itself and gives its
// id.
func (w *World) Insert(centre uuid.UUID, table string, cols map[string]any) uuid.UUID {
	w.Helper()
	id := ID()
	_, err := w.Ledger.Write(context.Background(), centre, ledger.Author{Role: schema.Server}, []ledger.Edit{{Table: table, Row: id, Op: changelog.Insert, Cols: cols}})
	w.must(err)
	return id
}

// Row reads one live row of the first centre.
func (w *World) Row(table string, id uuid.UUID) schema.Row {
	w.Helper()
	r, ok, err := w.Store.StateRow(context.Background(), w.Centre, table, id)
	w.must(err)
	if !ok {
		w.Fatalf("no %s %s", table, id)
	}
	return r
}

func (w *World) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}
