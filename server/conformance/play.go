package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/klauspost/compress/zstd"

	"siteledger/syncproto"
	"siteledger/syncproto/changelog"
	"siteledger/syncproto/schema"
)

// play is a server that the kit plays for a phone: one device, its logs byte
// for byte, rows folded in the simplest way, and one scripted misbehaviour at a
// time. What is wrong in a request is kept in faults.
type play struct {
	http    *httptest.Server
	codec   *changelog.Codec
	key     ed25519.PrivateKey
	mu      sync.Mutex
	history uuid.UUID
	person  uuid.UUID
	centre  uuid.UUID
	device  uuid.UUID
	public  ed25519.PublicKey
	logs    map[uuid.UUID]*playLog
	last    uuid.UUID
	rows    []pageRow
	rev     uint64
	tokens  int
	refresh map[string]bool
	access  map[string]bool
	blobs   map[string][]byte
	stored  map[string]bool
	pageMax int
	most    int  // changes of a push; 0: no limit
	spoiled bool // checksums are wrong once

	judge    func(*changelog.Change) *syncproto.Outcome // nil takes everything
	outcomes map[change]syncproto.Outcome
	orders   []order
	acks     map[uuid.UUID]string // what the phone said to an instruction

	calls  []string
	pushes []*syncproto.PushRequest
	faults []string
	// script answers instead of the server; false for no.
	script func(w http.ResponseWriter, r *http.Request) bool
	// after may lose the answer of a request that was served.
	after func(r *http.Request) bool
}

type playLog struct {
	changes [][]byte
	heads   []changelog.Hash
}

func newPlay() (*play, error) {
	codec, err := changelog.NewCodec()
	if err != nil {
		return nil, err
	}
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		return nil, err
	}
	s := &play{codec: codec, key: key}
	s.reset()
	s.http = httptest.NewServer(s)
	return s, nil
}

func (s *play) close() { s.http.Close() }

// reset forgets everything: each scene has a new phone and a new server.
func (s *play) reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.history, s.person, s.centre, s.device = newID(), newID(), newID(), newID()
	s.logs, s.rows, s.rev, s.refresh, s.access = map[uuid.UUID]*playLog{}, nil, 0, map[string]bool{}, map[string]bool{}
	s.blobs, s.stored, s.pageMax, s.spoiled = map[string][]byte{}, map[string]bool{}, 1000, false
	s.judge, s.outcomes, s.orders, s.acks = nil, map[change]syncproto.Outcome{}, nil, map[uuid.UUID]string{}
	s.public, s.calls, s.pushes, s.faults, s.script, s.after = nil, nil, nil, nil, nil, nil
}

// set changes the server between the phone's calls.
func (s *play) set(fn func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fn()
}

// wrong keeps a fault of a request.
func (s *play) wrong(format string, args ...any) {
	if len(s.faults) < 5 {
		s.faults = append(s.faults, fmt.Sprintf(format, args...))
	}
}

// take gives what came since the last time, and the faults in it.
func (s *play) take() (calls []string, pushes []*syncproto.PushRequest, faults []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	calls, pushes, faults = s.calls, s.pushes, s.faults
	s.calls, s.pushes, s.faults = nil, nil, nil
	return calls, pushes, faults
}

func (s *play) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, r.Method+" "+r.URL.Path)
	if s.script != nil && s.script(w, r) {
		return
	}
	rec := httptest.NewRecorder()
	s.serve(rec, r)
	if s.after != nil && s.after(r) {
		cutConnection(w)
		return
	}
	for k, v := range rec.Header() {
		w.Header()[k] = v
	}
	w.WriteHeader(rec.Code)
	_, _ = w.Write(rec.Body.Bytes())
}

// cutConnection loses the answer as a tunnel does.
func cutConnection(w http.ResponseWriter) {
	if h, ok := w.(http.Hijacker); ok {
		if conn, _, err := h.Hijack(); err == nil {
			_ = conn.Close()
		}
	}
}

func (s *play) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 64<<20))
	if err != nil {
		return
	}
	if r.Header.Get("Content-Encoding") == "zstd" {
		d, err := zstd.NewReader(nil)
		if err != nil {
			s.wrong("%v", err)
			return
		}
		defer d.Close()
		if body, err = d.DecodeAll(body, nil); err != nil {
			s.wrong("the body of %s is no zstd: %v", r.URL.Path, err)
		}
	}
	if strings.HasPrefix(r.URL.Path, "/store/") {
		s.put(w, r, body)
		return
	}
	switch r.URL.Path {
	case syncproto.PathEnrol:
		s.enrol(w, body)
		return
	case syncproto.PathToken:
		s.token(w, body)
		return
	case syncproto.PathSchema:
		b, err := schema.JSON(schema.Current)
		if err == nil {
			w.Header().Set("Content-Type", syncproto.TypeJSON)
			_, _ = w.Write(b)
		}
		return
	}
	if !s.access[strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")] {
		s.problem(w, syncproto.Problem{Code: syncproto.TokenExpired})
		return
	}
	switch r.URL.Path {
	case syncproto.PathReceipts:
		s.json(w, 200, syncproto.ReceiptsAnswer{ReceiptRanges: []syncproto.ReceiptRange{{Prefix: "SC01", From: 31, To: 90}}})
	case syncproto.PathPush:
		s.push(w, r, body)
	case syncproto.PathPull:
		s.pull(w, r)
	case syncproto.PathRepair:
		s.repair(w, body)
	case syncproto.PathBlobPlan:
		s.plan(w, body)
	case syncproto.PathBlobCommit:
		s.commit(w, body)
	default:
		s.problem(w, syncproto.Problem{Code: syncproto.NotFound})
	}
}

func (s *play) json(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", syncproto.TypeJSON)
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

func (s *play) problem(w http.ResponseWriter, p syncproto.Problem) {
	p.Status, p.Type, p.Title = syncproto.Status(p.Code), "urn:siteledger:problem:"+string(p.Code), string(p.Code)
	b, err := json.Marshal(p)
	if err != nil {
		return
	}
	w.Header().Set("Content-Type", syncproto.TypeProblem)
	if p.Status == 401 {
		w.Header().Set("WWW-Authenticate", `Bearer realm="siteledger"`)
	}
	w.WriteHeader(p.Status)
	_, _ = w.Write(b)
}

func (s *play) jws(v any) string { return sign(s.key, v) }

func sign(key ed25519.PrivateKey, v any) string {
	part := func(v any) string {
		b, err := json.Marshal(v)
		if err != nil {
			return ""
		}
		return base64.RawURLEncoding.EncodeToString(b)
	}
	msg := part(map[string]string{"alg": "EdDSA", "kid": "k1", "typ": "receipt+jws"}) + "." + part(v)
	return msg + "." + base64.RawURLEncoding.EncodeToString(ed25519.Sign(key, []byte(msg)))
}

func (s *play) session() (access, refresh string) {
	s.tokens++
	access, refresh = fmt.Sprintf("access-%d", s.tokens), fmt.Sprintf("refresh-%d", s.tokens)
	s.access[access], s.refresh[refresh] = true, true
	return access, refresh
}

func (s *play) keys() []syncproto.ServerKey {
	return []syncproto.ServerKey{{KID: "k1", PublicKey: s.key.Public().(ed25519.PublicKey)}}
}

func (s *play) enrol(w http.ResponseWriter, body []byte) {
	var req syncproto.EnrolRequest
	if err := json.Unmarshal(body, &req); err != nil {
		s.wrong("enrolment: %v", err)
		s.problem(w, syncproto.Problem{Code: syncproto.BodyInvalid})
		return
	}
	as := uuid.Nil
	if req.Device != nil {
		as = *req.Device
	}
	if len(req.PublicKey) != 32 || !ed25519.Verify(req.PublicKey, changelog.EnrolMessage(as, req.PublicKey, req.Code), req.Proof) {
		s.wrong("the proof of the enrolment is wrong")
		s.problem(w, syncproto.Problem{Code: syncproto.SignatureInvalid})
		return
	}
	if s.public != nil && !bytes.Equal(s.public, req.PublicKey) {
		s.wrong("after a lost answer the phone came with another key")
	}
	s.public = req.PublicKey
	access, refresh := s.session()
	s.json(w, 201, syncproto.EnrolAnswer{Device: s.device, Person: s.person, Centre: s.centre, History: s.history, AccessToken: access, ExpiresIn: 900,
		RefreshToken: refresh, ServerKeys: s.keys(), ReceiptRanges: []syncproto.ReceiptRange{{Prefix: "SC01", From: 1, To: 30}}, Schema: 1})
}

func (s *play) token(w http.ResponseWriter, body []byte) {
	var req syncproto.TokenRequest
	if json.Unmarshal(body, &req) != nil || !s.refresh[req.RefreshToken] {
		s.problem(w, syncproto.Problem{Code: syncproto.TokenInvalid})
		return
	}
	access, refresh := s.session()
	s.json(w, 200, syncproto.TokenAnswer{AccessToken: access, ExpiresIn: 900, RefreshToken: refresh, ServerKeys: s.keys()})
}

// office writes a row as the office does.
func (s *play) office(table string, id, root uuid.UUID, cols map[string]any) {
	s.set(func() {
		s.rev++
		s.rows = append(s.rows, pageRow{Table: table, Row: id, Root: root, Rev: s.rev, Cols: cols})
	})
}

func (s *play) tree(rows []pageRow) []any {
	out := []any{}
	for _, r := range rows {
		out = append(out, map[string]any{"table": r.Table, "row": r.Row[:], "root": r.Root[:], "rev": r.Rev, "cols": r.Cols})
	}
	return out
}

func (s *play) pull(w http.ResponseWriter, r *http.Request) {
	after := uint64(0)
	if c := r.URL.Query().Get("cursor"); c != "" {
		var history string
		if n, err := fmt.Sscanf(strings.ReplaceAll(c, ":", " "), "%s %d", &history, &after); n != 2 || err != nil {
			s.wrong("a cursor that was never given: %q", c)
			s.problem(w, syncproto.Problem{Code: syncproto.CursorInvalid})
			return
		}
		if history != s.history.String() {
			s.problem(w, syncproto.Problem{Code: syncproto.HistoryChanged, History: s.history.String()})
			return
		}
	}
	slices.SortFunc(s.rows, func(a, b pageRow) int { return int(a.Rev) - int(b.Rev) })
	var rows []pageRow
	next, more := s.rev, false
	for _, row := range s.rows {
		if row.Rev <= after {
			continue
		}
		if len(rows) == s.pageMax {
			next, more = rows[len(rows)-1].Rev, true
			break
		}
		rows = append(rows, row)
	}
	p := map[string]any{"history": s.history[:], "rows": s.tree(rows), "removed": []any{}, "instructions": []any{}, "hlc": uint64(1), "next": fmt.Sprintf("%s:%d", s.history, next), "more": more}
	if !more {
		s.end(p)
	}
	s.cbor(w, p)
}

func (s *play) end(p map[string]any) {
	p["passed"] = nil
	if l := s.logs[s.last]; l != nil {
		p["passed"] = map[string]any{"epoch": s.last[:], "seq": len(l.changes)}
	}
	list := []any{}
	for root, c := range sums(s.rows) {
		if root != uuid.Nil {
			list = append(list, map[string]any{"root": root[:], "count": c.Count, "sum": c.Sum})
		}
	}
	total := sums(s.rows)[uuid.Nil]
	if total.Sum == "" {
		total.Sum = schema.SumText(0)
	}
	if s.spoiled {
		s.spoiled = false
		total.Count++
	}
	p["instructions"] = s.given()
	p["checksums"], p["total"] = list, map[string]any{"count": total.Count, "sum": total.Sum}
}

func (s *play) repair(w http.ResponseWriter, body []byte) {
	var req struct{ Roots []sumOf }
	if err := json.Unmarshal(body, &req); err != nil {
		s.wrong("repair: %v", err)
	}
	removed := []any{}
	for _, r := range req.Roots {
		if !slices.ContainsFunc(s.rows, func(o pageRow) bool { return o.Root == r.Root }) {
			s.wrong("repair names a root that the phone never had")
		}
		removed = append(removed, map[string]any{"root": r.Root[:], "why": syncproto.WhyLeft})
	}
	s.cbor(w, map[string]any{"history": s.history[:], "rows": s.tree(s.rows), "removed": removed, "instructions": []any{}, "hlc": uint64(1), "next": "", "more": false})
}

func (s *play) plan(w http.ResponseWriter, body []byte) {
	var req syncproto.PlanRequest
	if err := json.Unmarshal(body, &req); err != nil || len(req.Blobs) > 200 {
		s.wrong("plan: %v, %d blobs", err, len(req.Blobs))
	}
	var a syncproto.PlanAnswer
	for _, b := range req.Blobs {
		p := syncproto.PlannedBlob{SHA256: b.SHA256, State: syncproto.StatePut, URL: s.http.URL + "/store/" + b.SHA256,
			Headers: map[string]string{"X-Signed": "yes", "If-None-Match": "*"}}
		if s.stored[b.SHA256] {
			p = syncproto.PlannedBlob{SHA256: b.SHA256, State: syncproto.StateHave, Receipt: s.blobReceipt(b.SHA256)}
		}
		a.Blobs = append(a.Blobs, p)
	}
	s.json(w, 200, a)
}

func (s *play) blobReceipt(sha string) string {
	return s.jws(syncproto.BlobReceipt{History: s.history, SHA256: sha, Size: int64(len(s.blobs[sha])), At: time.Now().UnixMilli(), Device: s.device})
}

func (s *play) put(w http.ResponseWriter, r *http.Request, body []byte) {
	sha := strings.TrimPrefix(r.URL.Path, "/store/")
	if r.Header.Get("Authorization") != "" {
		s.wrong("the access token was sent to the storage")
	}
	if r.Header.Get("X-Signed") != "yes" || r.Header.Get("If-None-Match") != "*" {
		s.wrong("an upload without the planned headers")
	}
	if sum := sha256.Sum256(body); hex.EncodeToString(sum[:]) != sha {
		s.wrong("an upload of other bytes than its hash")
	}
	if s.blobs[sha] != nil {
		w.WriteHeader(http.StatusPreconditionFailed)
		return
	}
	s.blobs[sha] = body
}

func (s *play) commit(w http.ResponseWriter, body []byte) {
	var req syncproto.CommitRequest
	if err := json.Unmarshal(body, &req); err != nil {
		s.wrong("commit: %v", err)
	}
	if s.blobs[req.SHA256] == nil {
		s.problem(w, syncproto.Problem{Code: syncproto.BlobAbsent})
		return
	}
	s.stored[req.SHA256] = true
	s.json(w, 200, syncproto.CommitAnswer{SHA256: req.SHA256, Size: int64(len(s.blobs[req.SHA256])), Receipt: s.blobReceipt(req.SHA256)})
}
