package clientsdk_test

import (
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"siteledger/syncproto"
	"siteledger/syncproto/changelog"
	"siteledger/syncproto/schema"
)

// fakeServer speaks just enough of the protocol to test a phone: it keeps logs
// byte for byte, folds them in the simplest way, and can be made to fail. It is
// an http.RoundTripper, so no network is needed and it works in virtual time.
type fakeServer struct {
	t      testing.TB
	codec  *changelog.Codec
	schema *schema.Descriptor
	key    ed25519.PrivateKey
	now    func() time.Time

	mu       sync.Mutex
	kid      string
	history  uuid.UUID
	centre   uuid.UUID
	person   uuid.UUID
	codes    map[string]bool
	devices  map[uuid.UUID]ed25519.PublicKey
	refresh  map[string]uuid.UUID
	access   map[string]uuid.UUID
	tokens   int
	leased   int64
	logs     map[uuid.UUID]*fakeLog
	last     uuid.UUID // log of the last push
	rev      uint64
	rows     map[string]*fakeRow
	removed  []fakeRemoved
	orders   []syncproto.Instruction
	acked    map[uuid.UUID]string
	blobs    map[string]*fakeBlob
	partSize int64
	pageRows int
	spoil    bool // checksums are wrong once
	maxBatch int
	plain    bool // an old build: it knows nothing of packed pushes
	packed   int  // packed pushes that were read
	judge    func(ch *changelog.Change) (syncproto.OutcomeCode, syncproto.Reason)
	calls    []string

	// hook runs before a request is served; a response or an error of it is the
	// answer. after runs behind it and may lose the answer.
	hook  func(r *http.Request) (*http.Response, error)
	after func(r *http.Request) error
}

type fakeRow struct {
	table string
	id    uuid.UUID
	root  uuid.UUID
	rev   uint64
	cols  map[string]any
}

type fakeRemoved struct {
	root  uuid.UUID
	rev   uint64
	table string // of one deleted row, instead of a root
	row   uuid.UUID
}

type fakeBlob struct {
	plan   syncproto.PlanBlob
	bytes  []byte
	parts  map[int][]byte
	stored bool
}

func newFakeServer(t testing.TB, now func() time.Time) *fakeServer {
	t.Helper()
	codec, err := changelog.NewCodec()
	if err != nil {
		t.Fatal(err)
	}
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &fakeServer{
		t: t, codec: codec, schema: schema.MustCurrent(), key: key, now: now, kid: "k1", history: uuid.New(), centre: newID(t), person: newID(t),
		codes: map[string]bool{}, devices: map[uuid.UUID]ed25519.PublicKey{}, refresh: map[string]uuid.UUID{}, access: map[string]uuid.UUID{},
		logs: map[uuid.UUID]*fakeLog{}, rows: map[string]*fakeRow{}, acked: map[uuid.UUID]string{}, blobs: map[string]*fakeBlob{},
		partSize: 1 << 40, pageRows: 1000, maxBatch: 1000,
	}
}

func newID(t testing.TB) uuid.UUID {
	t.Helper()
	id, err := uuid.NewV7()
	if err != nil {
		t.Fatal(err)
	}
	return id
}

var errCut = errors.New("connection reset by test")

// RoundTrip serves a request in the caller's goroutine.
func (s *fakeServer) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	s.calls = append(s.calls, r.Method+" "+r.URL.Path)
	hook, after := s.hook, s.after
	s.mu.Unlock()
	if hook != nil {
		if res, err := hook(r); res != nil || err != nil {
			return res, err
		}
	}
	if r.URL.Path == syncproto.PathEvents {
		return s.events(r)
	}
	rec := httptest.NewRecorder()
	rec.Header().Set("Date", s.now().UTC().Format(http.TimeFormat))
	s.mu.Lock()
	if !s.plain {
		rec.Header().Set(syncproto.HeaderAcceptPush, syncproto.TypePacked)
	}
	s.mu.Unlock()
	s.serve(rec, r)
	if after != nil {
		if err := after(r); err != nil {
			return nil, err
		}
	}
	return rec.Result(), nil
}

func (s *fakeServer) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.URL.Host == "store.test" {
		s.put(w, r)
		return
	}
	switch r.URL.Path {
	case syncproto.PathEnrol:
		s.enrol(w, r)
		return
	case syncproto.PathToken:
		s.token(w, r)
		return
	}
	device, ok := s.access[strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")]
	if !ok {
		s.problem(w, syncproto.Problem{Code: syncproto.TokenExpired})
		return
	}
	switch r.URL.Path {
	case syncproto.PathReceipts:
		s.json(w, 200, syncproto.ReceiptsAnswer{ReceiptRanges: s.lease()})
	case syncproto.PathPush:
		s.push(w, r, device)
	case syncproto.PathPull:
		s.pull(w, r)
	case syncproto.PathRepair:
		s.repair(w, r)
	case syncproto.PathBlobPlan:
		s.plan(w, r)
	case syncproto.PathBlobCommit:
		s.commit(w, r, device)
	default:
		s.problem(w, syncproto.Problem{Code: syncproto.NotFound})
	}
}

func (s *fakeServer) json(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(v); err != nil {
		s.t.Error(err)
	}
}

func (s *fakeServer) problem(w http.ResponseWriter, p syncproto.Problem) {
	p.Status = syncproto.Status(p.Code)
	w.Header().Set("Content-Type", syncproto.TypeProblem)
	w.WriteHeader(p.Status)
	if err := json.NewEncoder(w).Encode(p); err != nil {
		s.t.Error(err)
	}
}

// office writes a row as the office does.
func (s *fakeServer) office(table string, id, root uuid.UUID, cols map[string]any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := table + "/" + id.String()
	if s.rows[key] == nil {
		s.rows[key] = &fakeRow{table: table, id: id, root: root, cols: map[string]any{}}
	}
	s.rev++
	s.rows[key].rev = s.rev
	for k, v := range cols {
		s.rows[key].cols[k] = v
	}
}

// leave takes a root out of the phone's audience.
func (s *fakeServer) leave(root uuid.UUID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rev++
	s.removed = append(s.removed, fakeRemoved{root: root, rev: s.rev})
}

// erase deletes one row.
func (s *fakeServer) erase(table string, id uuid.UUID) {
	delete(s.rows, table+"/"+id.String())
	s.rev++
	s.removed = append(s.removed, fakeRemoved{rev: s.rev, table: table, row: id})
}

func (s *fakeServer) order(kind string, args map[string]any) uuid.UUID {
	s.mu.Lock()
	defer s.mu.Unlock()
	id := newID(s.t)
	s.orders = append(s.orders, syncproto.Instruction{ID: id, Kind: kind, Args: args})
	return id
}

// count says how many requests went to a path.
func (s *fakeServer) count(call string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, c := range s.calls {
		if c == call {
			n++
		}
	}
	return n
}

func (s *fakeServer) set(fn func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fn()
}

// restore makes the server one that was restored from an older backup.
func (s *fakeServer) restore(keep map[uuid.UUID]int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.history = uuid.New()
	s.rev += 1 << 40
	old := s.logs
	s.logs = map[uuid.UUID]*fakeLog{}
	for key, r := range s.rows {
		if r.table != "job" && r.table != "centre" {
			delete(s.rows, key)
		}
	}
	for id, l := range old {
		n := keep[id]
		fresh := &fakeLog{device: l.device, changes: l.changes[:n:n], hashes: l.hashes[: n+1 : n+1], outcomes: map[uint64]syncproto.Outcome{}}
		s.logs[id] = fresh
		for i, b := range fresh.changes {
			s.fold(fresh, uint64(i+1), b)
		}
	}
	for _, b := range s.blobs {
		b.stored, b.bytes = false, nil
	}
}
