package api_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"
	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"

	"siteledger/server/api"
	"siteledger/server/auth"
	"siteledger/server/feed"
	"siteledger/server/ledger"
	"siteledger/server/store"
	"siteledger/server/store/storetest"
	"siteledger/syncproto"
	"siteledger/syncproto/changelog"
	"siteledger/syncproto/schema"
)

// world is the API over a real store, ledger, feed and sign-in; photos alone
// are a stand-in.
type world struct {
	tb      testing.TB
	api     *api.Server
	auth    *auth.Auth
	keys    *auth.Keys
	store   *store.Store
	ledger  *ledger.Ledger
	history uuid.UUID
	centre  uuid.UUID
	other   uuid.UUID
	log     *logbook
	codec   *changelog.Codec

	installer, supervisor, stranger auth.Person // stranger: an installer of the other centre
}

// logbook is a log that tests read.
type logbook struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logbook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logbook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

func newID(tb testing.TB) uuid.UUID {
	tb.Helper()
	id, err := uuid.NewV7()
	must(tb, err)
	return id
}

type option func(*api.Config, *auth.Config)

func TestMain(m *testing.M) { os.Exit(storetest.Run(m)) }

func newWorld(tb testing.TB, options ...option) *world {
	tb.Helper()
	ctx := context.Background()
	w := &world{tb: tb, history: newID(tb), centre: newID(tb), other: newID(tb), log: &logbook{}}
	var err error
	w.codec, err = changelog.NewCodec()
	must(tb, err)
	w.store = storetest.Open(tb, storetest.New(tb))
	_, private, err := ed25519.GenerateKey(rand.Reader)
	must(tb, err)
	w.keys = auth.NewKeys(private)
	f := feed.New(feed.Config{View: w.store.ViewCentre, History: w.history, Schema: schema.MustCurrent(), Secret: []byte("cursor secret of the test"), Limits: syncproto.DefaultLimits(), Now: time.Now})
	w.ledger, err = ledger.New(ledger.Config{
		Update: w.store.UpdateCentre, Create: w.store.CreateStream, History: w.history, Schema: schema.MustCurrent(), Signer: w.keys,
		Limits: syncproto.DefaultLimits(), Now: time.Now, NewID: func() uuid.UUID { return newID(tb) },
		Salt: func() [16]byte { return newID(tb) }, Poke: func(c uuid.UUID) { f.Poke(c, false) },
	})
	must(tb, err)
	for _, id := range []uuid.UUID{w.centre, w.other} {
		must(tb, w.ledger.CreateStream(ctx, id, false))
	}
	ac := auth.Config{Store: w.store, Journal: w.ledger, Keys: w.keys, History: w.history, Schema: 1, Now: time.Now, Rand: rand.Reader, NewID: uuid.NewV7, Cost: auth.Cost{Memory: 64, Time: 1}}
	c := api.Config{
		Pusher: w.ledger, Puller: f, Blobs: photos{}, History: w.history, Schema: schema.MustCurrent(), Version: "test",
		Metrics: prometheus.NewRegistry(), Limits: api.DefaultLimits(), Now: time.Now, NewID: uuid.NewV7,
		Log: slog.New(slog.NewJSONHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	for _, o := range options {
		o(&c, &ac)
	}
	w.auth, err = auth.New(ac)
	must(tb, err)
	if c.Auth == nil {
		c.Auth = w.auth
	}
	w.api, err = api.New(c)
	must(tb, err)
	tb.Cleanup(func() { must(tb, w.api.Close()) })
	for _, p := range []struct {
		into   *auth.Person
		centre uuid.UUID
		role   schema.Role
	}{{&w.installer, w.centre, schema.Installer}, {&w.supervisor, w.centre, schema.Supervisor}, {&w.stranger, w.other, schema.Installer}} {
		*p.into, _, err = w.auth.CreatePerson(ctx, auth.Operator(), auth.NewPerson{Centre: p.centre, Name: "某人", Role: p.role})
		must(tb, err)
	}
	return w
}

// photos stands in for the photo service.
type photos struct{}

func (photos) Plan(_ context.Context, _ ledger.Device, blobs []syncproto.PlanBlob) ([]syncproto.PlannedBlob, error) {
	out := make([]syncproto.PlannedBlob, len(blobs))
	for i, b := range blobs {
		out[i] = syncproto.PlannedBlob{SHA256: b.SHA256, State: syncproto.StatePut, URL: "http://storage.example/put"}
	}
	return out, nil
}

func (photos) Commit(_ context.Context, _ ledger.Device, req syncproto.CommitRequest) (syncproto.CommitAnswer, error) {
	return syncproto.CommitAnswer{SHA256: req.SHA256, Size: 7, Receipt: "r"}, nil
}

func (photos) PresignGet(context.Context, ledger.Device, [32]byte) (string, error) {
	return "http://storage.example/get", nil
}

// phone is an enrolled device with a log.
type phone struct {
	w      *world
	person uuid.UUID
	key    ed25519.PrivateKey
	answer syncproto.EnrolAnswer
	epoch  uuid.UUID
	boot   uuid.UUID
	seq    uint64
	head   changelog.Hash
}

func (w *world) phone(p auth.Person) *phone {
	w.tb.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	must(w.tb, err)
	ph := &phone{w: w, person: p.ID, key: key, epoch: newID(w.tb), boot: newID(w.tb)}
	code, _, err := w.auth.OperatorCode(context.Background(), p.ID)
	must(w.tb, err)
	res := w.call("POST", syncproto.PathEnrol, "", ph.enrolBody(code))
	if res.status != 201 {
		w.tb.Fatalf("enrol: %d %s", res.status, res.body)
	}
	must(w.tb, json.Unmarshal(res.body, &ph.answer))
	ph.head = changelog.Genesis(ph.answer.Device, ph.epoch)
	return ph
}

func (p *phone) enrolBody(code string) []byte {
	public := p.key.Public().(ed25519.PublicKey)
	b, err := json.Marshal(syncproto.EnrolRequest{Code: code, PublicKey: public, Proof: ed25519.Sign(p.key, changelog.EnrolMessage(uuid.Nil, public, code)),
		Platform: "android", Model: "m", App: "1", Schema: 1})
	must(p.w.tb, err)
	return b
}

// note is the bytes of one change: a day's summary of the phone's person.
func (p *phone) note(seq uint64, text string) []byte {
	b, err := p.w.codec.Encode(&changelog.Change{
		Seq: seq, HLC: uint64(time.Now().UnixMilli()) << 16, Wall: time.Now().UnixMilli(), Txn: seq, Last: true, Table: "day_summary", Row: newID(p.w.tb), Op: changelog.Insert,
		Cols: map[string]any{"day": "2026-11-22", "text": text}, Actor: p.person, Schema: 1, Boot: p.boot, Salt: newID(p.w.tb),
	})
	must(p.w.tb, err)
	return b
}

// batch signs changes that follow the log's head; it does not move the head.
func (p *phone) batch(changes ...[]byte) *syncproto.PushRequest {
	head := p.head
	for _, c := range changes {
		head = changelog.Next(head, c)
	}
	wall := time.Now().UnixMilli()
	last := p.seq + uint64(len(changes))
	return &syncproto.PushRequest{
		History: p.w.history[:], Device: p.answer.Device[:], Epoch: p.epoch[:], From: p.seq + 1, Prev: p.head[:], Changes: changes, Head: head[:],
		Signature: ed25519.Sign(p.key, changelog.PushMessage(p.answer.Device, p.epoch, last, head, p.boot, 5, wall)), Boot: p.boot[:], Mono: 5, Wall: wall,
	}
}

func (p *phone) cbor(v any) []byte {
	b, err := p.w.codec.Marshal(v)
	must(p.w.tb, err)
	return b
}

func (p *phone) push(req *syncproto.PushRequest) answer {
	return p.w.call("POST", syncproto.PathPush, p.answer.AccessToken, p.cbor(req))
}

// answer is what a call got.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func (a answer) problem(tb testing.TB) syncproto.Problem {
	tb.Helper()
	var p syncproto.Problem
	if got := a.header.Get("Content-Type"); got != syncproto.TypeProblem {
		tb.Fatalf("content type %q, status %d, body %.200q", got, a.status, a.body)
	}
	must(tb, json.Unmarshal(a.body, &p))
	if p.Status != a.status || p.Title == "" || p.Type == "" || p.Request == "" {
		tb.Errorf("problem %+v with status %d", p, a.status)
	}
	return p
}

func (a answer) want(tb testing.TB, status int, code syncproto.Code) syncproto.Problem {
	tb.Helper()
	p := a.problem(tb)
	if a.status != status || p.Code != code {
		tb.Errorf("got %d %s (%s), want %d %s", a.status, p.Code, p.Detail, status, code)
	}
	return p
}

func (a answer) cbor(tb testing.TB, v any) {
	tb.Helper()
	if a.status != 200 {
		tb.Fatalf("status %d: %s", a.status, a.body)
	}
	must(tb, cbor.Unmarshal(a.body, v))
}

// media is the body's type that a path takes.
func media(path string) string {
	if path == syncproto.PathPush {
		return syncproto.TypeCBOR
	}
	return syncproto.TypeJSON
}

// call sends a request straight to the handler. headers are name, value, …
func (w *world) call(method, path, token string, body []byte, headers ...string) answer {
	w.tb.Helper()
	r := httptest.NewRequest(method, path, bytes.NewReader(body))
	if body != nil {
		p, _, _ := strings.Cut(path, "?")
		r.Header.Set("Content-Type", media(p))
	}
	if token != "" {
		r.Header["Authorization"] = []string{"Bearer " + token}
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	rec := httptest.NewRecorder()
	w.api.ServeHTTP(rec, r)
	b, err := io.ReadAll(rec.Result().Body)
	must(w.tb, err)
	return answer{status: rec.Code, header: rec.Result().Header, body: b}
}
