package auth_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"siteledger/server/auth"
	"siteledger/server/fault"
	"siteledger/server/ledger"
	"siteledger/server/store"
	"siteledger/server/store/storetest"
	"siteledger/syncproto"
	"siteledger/syncproto/schema"
)

// house is a headquarters and two centres on a real store, with a clock that
// the test moves.
type house struct {
	tb      testing.TB
	clock   *clock
	store   *store.Store
	keys    *auth.Keys
	history uuid.UUID
	config  auth.Config
	*auth.Auth

	hq, a, b uuid.UUID
	people   map[string]auth.Person // by login: admin, judge, boss-a, clerk-a, li, wang, boss-b, clerk-b, zhao
}

type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

const password = "correct horse 3"

// newOffice is a house whose people can sign in on a screen, with hashes that
// cost next to nothing.
func newOffice(tb testing.TB) *house {
	tb.Helper()
	return newOfficeAt(tb, auth.Cost{Memory: 64, Time: 1})
}

func newOfficeAt(tb testing.TB, cost auth.Cost) *house {
	tb.Helper()
	return build(tb, cost, func(n *auth.NewPerson) { n.Password = password })
}

// newHouse spares the time that hashing their passwords takes.
func newHouse(tb testing.TB) *house {
	tb.Helper()
	return build(tb, auth.Cost{}, func(n *auth.NewPerson) { n.Login = "" })
}

func TestMain(m *testing.M) { os.Exit(storetest.Run(m)) }

func build(tb testing.TB, cost auth.Cost, shape func(*auth.NewPerson)) *house {
	tb.Helper()
	ctx := context.Background()
	h := &house{tb: tb, clock: &clock{t: time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)}, people: map[string]auth.Person{}, history: newID(tb)}
	h.store = storetest.Open(tb, storetest.New(tb))
	_, private, err := ed25519.GenerateKey(rand.Reader)
	must(tb, err)
	h.keys = auth.NewKeys(private)
	led, err := ledger.New(ledger.Config{
		Update: h.store.UpdateCentre, Create: h.store.CreateStream, History: h.history, Schema: schema.MustCurrent(), Signer: h.keys,
		Limits: syncproto.DefaultLimits(), Now: h.clock.now, NewID: func() uuid.UUID { return newID(tb) },
		Salt: func() (s [16]byte) { _, _ = rand.Read(s[:]); return s },
	})
	must(tb, err)
	h.hq, h.a, h.b = newID(tb), newID(tb), newID(tb)
	for _, id := range []uuid.UUID{h.hq, h.a, h.b} {
		must(tb, led.CreateStream(ctx, id, id == h.hq))
	}
	h.config = auth.Config{Store: h.store, Journal: led, Keys: h.keys, History: h.history, Schema: 1, Now: h.clock.now, Rand: rand.Reader, NewID: uuid.NewV7, Cost: cost}
	h.Auth, err = auth.New(h.config)
	must(tb, err)
	for _, p := range []auth.NewPerson{
		{Centre: h.hq, Login: "admin", Name: "管理员", Role: schema.Admin},
		{Centre: h.hq, Login: "judge", Name: "判定员", Role: schema.Adjudicator},
		{Centre: h.a, Login: "boss-a", Name: "主管甲", Role: schema.Supervisor},
		{Centre: h.a, Login: "clerk-a", Name: "客服甲", Role: schema.Clerk},
		{Centre: h.a, Login: "li", Name: "李师傅", Role: schema.Installer},
		{Centre: h.a, Login: "wang", Name: "王师傅", Role: schema.Installer},
		{Centre: h.b, Login: "boss-b", Name: "主管乙", Role: schema.Supervisor},
		{Centre: h.b, Login: "clerk-b", Name: "客服乙", Role: schema.Clerk},
		{Centre: h.b, Login: "zhao", Name: "赵师傅", Role: schema.Installer},
	} {
		key := p.Login
		shape(&p)
		made, _, err := h.CreatePerson(ctx, auth.Operator(), p)
		must(tb, err)
		h.people[key] = made
	}
	return h
}

func newID(tb testing.TB) uuid.UUID {
	tb.Helper()
	id, err := uuid.NewV7()
	must(tb, err)
	return id
}

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

func wantCode(tb testing.TB, err error, want syncproto.Code) {
	tb.Helper()
	if err == nil || fault.CodeOf(err) != want {
		tb.Errorf("got %v, want %s", err, want)
	}
}

// phone is a device's key and what it was told.
type phone struct {
	h      *house
	key    ed25519.PrivateKey
	answer syncproto.EnrolAnswer
}

func newPhone(h *house) *phone {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	must(h.tb, err)
	return &phone{h: h, key: key}
}

func (p *phone) request(code string, device *uuid.UUID) syncproto.EnrolRequest {
	return request(p.key, code, device)
}

func (p *phone) enrol(code string, device *uuid.UUID) error {
	ans, err := p.h.Enrol(context.Background(), p.request(code, device), "10.0.0.1")
	if err == nil {
		p.answer = ans
	}
	return err
}

func (h *house) code(person string) string {
	h.tb.Helper()
	code, _, err := h.NewCode(context.Background(), h.people["clerk-a"].ID, h.people[person].ID)
	must(h.tb, err)
	return code
}

func (h *house) enrolled(person string) *phone {
	h.tb.Helper()
	p := newPhone(h)
	must(h.tb, p.enrol(h.code(person), nil))
	return p
}
