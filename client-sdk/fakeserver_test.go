package clientsdk_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"
	"github.com/google/uuid"
	"github.com/klauspost/compress/zstd"

	"siteledger/syncproto"
	"siteledger/syncproto/changelog"
	"siteledger/syncproto/schema"
)

// fakeServer speaks just enough of the protocol to test a phone: it keeps logs
// byte for byte, folds them in the simplest way, and can be made to fail. It is
// an http.RoundTripper, so no network is needed and it works in virtual time.
type fakeServer struct {
	t     testing.TB
	codec *changelog.Codec
	key   ed25519.PrivateKey
	now   func() time.Time

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
	judge    func(ch *changelog.Change) (syncproto.OutcomeCode, syncproto.Reason)
	calls    []string

	// hook runs before a request is served; a response or an error of it is the
	// answer. after runs behind it and may lose the answer.
	hook  func(r *http.Request) (*http.Response, error)
	after func(r *http.Request) error
}

type fakeLog struct {
	device   uuid.UUID
	changes  [][]byte
	hashes   []changelog.Hash // h(0)…
	outcomes map[uint64]syncproto.Outcome
}

type fakeRow struct {
	table string
	id    uuid.UUID
	root  uuid.UUID
	rev   uint64
	cols  map[string]any
}

type fakeRemoved struct {
	root uuid.UUID
	rev  uint64
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
		t: t, codec: codec, key: key, now: now, kid: "k1", history: uuid.New(), centre: newID(t), person: newID(t),
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

func (s *fakeServer) jws(v any) string {
	enc := func(v any) string {
		b, err := json.Marshal(v)
		if err != nil {
			s.t.Error(err)
		}
		return base64.RawURLEncoding.EncodeToString(b)
	}
	msg := enc(map[string]string{"alg": "EdDSA", "kid": s.kid}) + "." + enc(v)
	return msg + "." + base64.RawURLEncoding.EncodeToString(ed25519.Sign(s.key, []byte(msg)))
}

func (s *fakeServer) keys() []syncproto.ServerKey {
	return []syncproto.ServerKey{{KID: s.kid, PublicKey: s.key.Public().(ed25519.PublicKey)}}
}

func (s *fakeServer) session(device uuid.UUID) (access, refresh string) {
	s.tokens++
	access, refresh = fmt.Sprintf("access-%d", s.tokens), fmt.Sprintf("refresh-%d", s.tokens)
	s.access[access], s.refresh[refresh] = device, device
	return access, refresh
}

func (s *fakeServer) lease() []syncproto.ReceiptRange {
	s.leased += 30
	return []syncproto.ReceiptRange{{Prefix: "SC01", From: s.leased - 29, To: s.leased}}
}

func (s *fakeServer) enrol(w http.ResponseWriter, r *http.Request) {
	var req syncproto.EnrolRequest
	if err := json.NewDecoder(r.Body).Decode(&req); err != nil {
		s.problem(w, syncproto.Problem{Code: syncproto.BodyInvalid})
		return
	}
	device := uuid.Nil
	if req.Device != nil {
		device = *req.Device
	}
	if !s.codes[req.Code] {
		s.problem(w, syncproto.Problem{Code: syncproto.CodeInvalid})
		return
	}
	if !ed25519.Verify(req.PublicKey, changelog.EnrolMessage(device, req.PublicKey, req.Code), req.Proof) {
		s.problem(w, syncproto.Problem{Code: syncproto.SignatureInvalid})
		return
	}
	for id, key := range s.devices { // a lost answer: the same device again
		if bytes.Equal(key, req.PublicKey) {
			device = id
		}
	}
	if device == uuid.Nil {
		device = newID(s.t)
	}
	s.devices[device] = req.PublicKey
	access, refresh := s.session(device)
	s.json(w, 201, syncproto.EnrolAnswer{Device: device, Person: s.person, Centre: s.centre, History: s.history, AccessToken: access,
		ExpiresIn: 900, RefreshToken: refresh, ServerKeys: s.keys(), ReceiptRanges: s.lease(), Schema: 1})
}

func (s *fakeServer) token(w http.ResponseWriter, r *http.Request) {
	var req syncproto.TokenRequest
	if err := json.NewDecoder(r.Body).Decode(&req); err != nil {
		s.problem(w, syncproto.Problem{Code: syncproto.BodyInvalid})
		return
	}
	device, ok := s.refresh[req.RefreshToken]
	if !ok {
		s.problem(w, syncproto.Problem{Code: syncproto.TokenInvalid})
		return
	}
	access, refresh := s.session(device)
	s.json(w, 200, syncproto.TokenAnswer{AccessToken: access, ExpiresIn: 900, RefreshToken: refresh, ServerKeys: s.keys()})
}

func (s *fakeServer) body(r *http.Request) []byte {
	var in io.Reader = r.Body
	if r.Header.Get("Content-Encoding") == "zstd" {
		z, err := zstd.NewReader(r.Body)
		if err != nil {
			s.t.Error(err)
			return nil
		}
		defer z.Close()
		in = z
	}
	b, err := io.ReadAll(in)
	if err != nil {
		s.t.Error(err)
	}
	return b
}

func (s *fakeServer) push(w http.ResponseWriter, r *http.Request, device uuid.UUID) {
	var req syncproto.PushRequest
	if err := cbor.Unmarshal(s.body(r), &req); err != nil {
		s.problem(w, syncproto.Problem{Code: syncproto.EnvelopeInvalid})
		return
	}
	epoch := uuid.UUID(req.Epoch)
	last := req.From + uint64(len(req.Changes)) - 1
	head := changelog.Hash(req.Prev)
	for _, b := range req.Changes {
		head = changelog.Next(head, b)
	}
	msg := changelog.PushMessage(device, epoch, last, changelog.Hash(req.Head), uuid.UUID(req.Boot), req.Mono, req.Wall)
	switch {
	case len(req.Changes) > s.maxBatch:
		s.problem(w, syncproto.Problem{Code: syncproto.BatchTooLong, Max: int64(s.maxBatch)})
		return
	case !ed25519.Verify(s.devices[device], msg, req.Signature):
		s.problem(w, syncproto.Problem{Code: syncproto.SignatureInvalid})
		return
	case head != changelog.Hash(req.Head):
		s.problem(w, syncproto.Problem{Code: syncproto.ChainBroken})
		return
	case uuid.UUID(req.History) != s.history:
		s.problem(w, syncproto.Problem{Code: syncproto.HistoryChanged, History: s.history.String()})
		return
	}
	l := s.logs[epoch]
	if l == nil {
		l = &fakeLog{device: device, hashes: []changelog.Hash{changelog.Genesis(device, epoch)}, outcomes: map[uint64]syncproto.Outcome{}}
	}
	acked := uint64(len(l.changes))
	if req.From > acked+1 {
		s.problem(w, syncproto.Problem{Code: syncproto.LogGap, Acked: &acked, Head: hex.EncodeToString(l.hashes[acked][:])})
		return
	}
	if l.hashes[req.From-1] != changelog.Hash(req.Prev) {
		common := req.From - min(2, req.From)
		s.problem(w, syncproto.Problem{Code: syncproto.LogForked, Common: &common})
		return
	}
	for i, b := range req.Changes {
		seq := req.From + uint64(i)
		if seq <= acked && !bytes.Equal(l.changes[seq-1], b) {
			common := seq - 1
			s.problem(w, syncproto.Problem{Code: syncproto.LogForked, Common: &common})
			return
		}
	}
	s.logs[epoch], s.last = l, epoch
	for i, b := range req.Changes {
		if seq := req.From + uint64(i); seq > acked {
			l.changes = append(l.changes, b)
			l.hashes = append(l.hashes, changelog.Next(l.hashes[seq-1], b))
			s.fold(l, seq, b)
		}
	}
	acked = uint64(len(l.changes))
	ans := syncproto.PushAnswer{Acked: acked, Head: l.hashes[acked][:], ServerTime: s.now().UnixMilli(), HLC: uint64(s.now().UnixMilli()) << 16, Outcomes: []syncproto.Outcome{}, Hint: []byte{}}
	for seq := req.From; seq <= last; seq++ {
		if o, ok := l.outcomes[seq]; ok {
			ans.Outcomes = append(ans.Outcomes, o)
		}
	}
	ans.Receipt = s.jws(syncproto.LogReceipt{History: s.history, Device: device, Epoch: epoch, Acked: acked, Head: hex.EncodeToString(ans.Head), At: ans.ServerTime})
	b, err := s.codec.Marshal(ans)
	if err != nil {
		s.t.Error(err)
	}
	w.Header().Set("Content-Type", syncproto.TypeCBOR)
	_, _ = w.Write(b)
}

func (s *fakeServer) fold(l *fakeLog, seq uint64, b []byte) {
	ch, err := s.codec.Decode(b)
	if err != nil {
		s.t.Errorf("change %d: %v", seq, err)
		return
	}
	if s.judge != nil {
		if code, reason := s.judge(ch); code != "" {
			o := syncproto.Outcome{Seq: seq, Code: code, Reason: reason}
			if code == syncproto.Held {
				id := uuid.New()
				o.Case = id[:]
			}
			l.outcomes[seq] = o
			if code == syncproto.Held || code == syncproto.Denied {
				return
			}
		}
	}
	s.apply(ch)
}

func (s *fakeServer) apply(ch *changelog.Change) {
	key := ch.Table + "/" + ch.Row.String()
	row := s.rows[key]
	if row == nil {
		row = &fakeRow{table: ch.Table, id: ch.Row, root: s.rootOf(ch), cols: map[string]any{}}
		s.rows[key] = row
	} else if ch.Op == changelog.Insert {
		s.t.Errorf("%s %s was inserted twice", ch.Table, ch.Row)
	}
	for k, v := range ch.Cols {
		row.cols[k] = v
	}
	s.rev++
	row.rev = s.rev
	if ch.Table == "instruction_ack" {
		s.acked[uuid.UUID(ch.Cols["instruction"].([]byte))] = ch.Cols["state"].(string)
	}
}

func (s *fakeServer) rootOf(ch *changelog.Change) uuid.UUID {
	t := schema.MustCurrent().Table(ch.Table)
	if t.Parent != "" {
		parent := uuid.UUID(ch.Cols[t.ParentColumn].([]byte))
		if p := s.rows[t.Parent+"/"+parent.String()]; p != nil {
			return p.root
		}
		s.t.Errorf("%s came before its parent", ch.Table)
	}
	switch t.Root {
	case schema.RootPerson:
		return s.person
	case schema.RootJob:
		return ch.Row
	}
	return s.centre
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
	s.removed = append(s.removed, fakeRemoved{root, s.rev})
}

func (s *fakeServer) order(kind string, args map[string]any) uuid.UUID {
	s.mu.Lock()
	defer s.mu.Unlock()
	id := newID(s.t)
	s.orders = append(s.orders, syncproto.Instruction{ID: id, Kind: kind, Args: args})
	return id
}

func (s *fakeServer) visible() []*fakeRow {
	var out []*fakeRow
	for _, r := range s.rows {
		if !slices.ContainsFunc(s.removed, func(g fakeRemoved) bool { return g.root == r.root }) {
			out = append(out, r)
		}
	}
	slices.SortFunc(out, func(a, b *fakeRow) int { return int(a.rev) - int(b.rev) })
	return out
}

func (s *fakeServer) pull(w http.ResponseWriter, r *http.Request) {
	after := uint64(0)
	if c := r.URL.Query().Get("cursor"); c != "" {
		history, rev, ok := strings.Cut(c, ":")
		if !ok {
			s.problem(w, syncproto.Problem{Code: syncproto.CursorInvalid})
			return
		}
		if history != s.history.String() {
			s.problem(w, syncproto.Problem{Code: syncproto.HistoryChanged, History: s.history.String()})
			return
		}
		n, err := strconv.ParseUint(rev, 10, 64)
		if err != nil {
			s.t.Error(err)
		}
		after = n
	}
	rows, removed, next, more := []any{}, []any{}, after, false
	for _, row := range s.visible() {
		if row.rev <= after {
			continue
		}
		if len(rows) == s.pageRows {
			more = true
			break
		}
		rows = append(rows, rowTree(row))
		next = row.rev
	}
	if !more {
		for _, g := range s.removed {
			if g.rev > after {
				removed = append(removed, map[string]any{"root": g.root[:], "why": "left"})
			}
		}
		next = s.rev
	}
	page := map[string]any{"history": s.history[:], "rows": rows, "removed": removed, "instructions": []any{}, "hlc": uint64(0),
		"next": fmt.Sprintf("%s:%d", s.history, next), "more": more}
	if !more {
		s.end(page)
	}
	s.cbor(w, page)
}

func rowTree(row *fakeRow) map[string]any {
	cols := map[string]any{}
	if t := schema.MustCurrent().Table(row.table); t != nil {
		for _, c := range t.Columns {
			cols[c.Name] = nil
		}
	}
	for k, v := range row.cols {
		cols[k] = v
	}
	return map[string]any{"table": row.table, "row": row.id[:], "root": row.root[:], "rev": row.rev, "cols": cols}
}

func (s *fakeServer) cbor(w http.ResponseWriter, v any) {
	b, err := s.codec.Marshal(v)
	if err != nil {
		s.t.Error(err)
	}
	w.Header().Set("Content-Type", syncproto.TypeCBOR)
	_, _ = w.Write(b)
}

// end adds what only a pull's last page has.
func (s *fakeServer) end(page map[string]any) {
	orders := []any{}
	for _, o := range s.orders {
		if s.acked[o.ID] == "" {
			orders = append(orders, map[string]any{"id": o.ID[:], "kind": o.Kind, "args": o.Args})
		}
	}
	page["instructions"] = orders
	page["passed"] = nil
	if l := s.logs[s.last]; l != nil {
		page["passed"] = map[string]any{"epoch": s.last[:], "seq": len(l.changes)}
	}
	sums := map[uuid.UUID]uint64{}
	counts := map[uuid.UUID]int{}
	total, count := uint64(0), 0
	for _, r := range s.visible() {
		v := versionSum(r)
		sums[r.root] += v
		counts[r.root]++
		total += v
		count++
	}
	if s.spoil {
		s.spoil = false
		total++
	}
	list := []any{}
	for root, v := range sums {
		list = append(list, map[string]any{"root": root[:], "count": counts[root], "sum": fmt.Sprintf("%016x", v)})
	}
	page["checksums"] = list
	page["total"] = map[string]any{"count": count, "sum": fmt.Sprintf("%016x", total)}
}

func versionSum(r *fakeRow) uint64 {
	b := append([]byte(r.table), 0)
	b = append(b, r.id[:]...)
	h := sha256.Sum256(binary.BigEndian.AppendUint64(b, r.rev))
	return binary.BigEndian.Uint64(h[:8])
}

func (s *fakeServer) repair(w http.ResponseWriter, r *http.Request) {
	var req struct {
		Roots []struct {
			Root  uuid.UUID
			Count int
			Sum   string
		}
	}
	if err := json.Unmarshal(s.body(r), &req); err != nil {
		s.t.Error(err)
	}
	removed, rows := []any{}, []any{}
	for _, root := range req.Roots {
		removed = append(removed, map[string]any{"root": root.Root[:], "why": "left"})
	}
	for _, row := range s.visible() {
		rows = append(rows, rowTree(row))
	}
	s.cbor(w, map[string]any{"history": s.history[:], "rows": rows, "removed": removed, "instructions": []any{}, "hlc": uint64(0), "next": "", "more": false})
}

// events opens a stream that ends with the request.
func (s *fakeServer) events(r *http.Request) (*http.Response, error) {
	read, write := io.Pipe()
	go func() {
		_, _ = io.WriteString(write, ": hello\n\n")
		<-r.Context().Done()
		_ = write.CloseWithError(r.Context().Err())
	}()
	return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"text/event-stream"}}, Body: read, Request: r}, nil
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
