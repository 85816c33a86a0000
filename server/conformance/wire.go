package main

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"time"

	"github.com/fxamacker/cbor/v2"
	"github.com/google/uuid"
	"github.com/klauspost/compress/zstd"

	"siteledger/syncproto"
	"siteledger/syncproto/changelog"
)

// answer is what a call got.
type answer struct {
	status  int
	header  http.Header
	body    []byte
	problem syncproto.Problem
}

func (a answer) String() string {
	s := fmt.Sprint(a.status)
	if a.problem.Code != "" {
		s += " " + string(a.problem.Code)
	}
	if a.problem.Acked != nil {
		s += fmt.Sprintf(", acked %d", *a.problem.Acked)
	}
	if a.problem.Common != nil {
		s += fmt.Sprintf(", common %d", *a.problem.Common)
	}
	if a.status/100 != 2 && a.problem.Code == "" {
		s += fmt.Sprintf(" of type %q: %.80q", a.header.Get("Content-Type"), a.body)
	}
	return s
}

// refused wants a refusal with a code, in the form of section 8, Problems.
func (a answer) refused(code syncproto.Code, statuses ...int) error {
	if len(statuses) == 0 {
		statuses = []int{syncproto.Status(code)}
	}
	want := fmt.Sprintf("%d %s", statuses[0], code)
	if a.problem.Code != code {
		return differs(want, a)
	}
	fits := false
	for _, s := range statuses {
		fits = fits || s == a.status
	}
	switch {
	case !fits:
		return differs(want, a)
	case a.problem.Status != a.status || a.problem.Title == "" || a.problem.Type != "urn:siteledger:problem:"+string(code):
		return differs(want+" with type, title and status", fmt.Sprintf("%.200s", a.body))
	case a.status == 401 && a.header.Get("WWW-Authenticate") == "":
		return differs(want+" with WWW-Authenticate", "none")
	case (a.status == 429 || a.status == 503) && a.header.Get("Retry-After") == "":
		return differs(want+" with Retry-After", "none")
	case a.status == 413 && (a.problem.Limit == "" || a.problem.Max <= 0):
		return differs(want+" with limit and max", fmt.Sprintf("%.200s", a.body))
	}
	return nil
}

// caller sends requests to the server under test.
type caller struct {
	base string
	http *http.Client
	zstd *zstd.Encoder
}

func newCaller(base string) (*caller, error) {
	enc, err := zstd.NewWriter(nil)
	if err != nil {
		return nil, err
	}
	c := &http.Client{Timeout: time.Minute, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return &caller{base: base, http: c, zstd: enc}, nil
}

// call sends one request; headers are name, value, … "" leaves one out.
func (c *caller) call(ctx context.Context, method, path, token string, body []byte, headers ...string) (answer, error) {
	url := path
	if strings.HasPrefix(path, "/") {
		url = c.base + path
	}
	req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	if body != nil {
		req.Header.Set("Content-Type", syncproto.TypeJSON)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := c.http.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(io.LimitReader(res.Body, 128<<20))
	if err != nil {
		return answer{}, err
	}
	a := answer{status: res.StatusCode, header: res.Header, body: b}
	if strings.HasPrefix(res.Header.Get("Content-Type"), syncproto.TypeProblem) {
		if err := json.Unmarshal(b, &a.problem); err != nil {
			return a, differs("a problem", fmt.Sprintf("%.80q", b))
		}
	}
	return a, nil
}

// post sends JSON and reads a JSON answer of success into out.
func (c *caller) post(ctx context.Context, path, token string, in, out any) (answer, error) {
	b, err := json.Marshal(in)
	if err != nil {
		return answer{}, err
	}
	a, err := c.call(ctx, http.MethodPost, path, token, b)
	if err == nil && a.status/100 == 2 && out != nil {
		if err := json.Unmarshal(a.body, out); err != nil {
			return a, differs("JSON", fmt.Sprintf("%.80q", a.body))
		}
	}
	return a, err
}

// device is a phone that does exactly what a check tells it to, also what no
// phone would do. Its log moves on only by sound.
type device struct {
	*caller
	key    ed25519.PrivateKey
	codec  *changelog.Codec
	answer syncproto.EnrolAnswer
	keys   map[string]ed25519.PublicKey
	epoch  uuid.UUID
	boot   uuid.UUID
	seq    uint64
	head   changelog.Hash
	heads  []changelog.Hash // h(0) … h(seq)
	log    [][]byte
	hlc    uint64
}

func newDevice(c *caller) (*device, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	codec, err := changelog.NewCodec()
	if err != nil {
		return nil, err
	}
	return &device{caller: c, key: key, codec: codec, epoch: newID(), boot: newID()}, nil
}

func newID() uuid.UUID { return uuid.Must(uuid.NewV7()) }

// enrolBody is the body of an enrolment; as is the device's id where it comes
// back.
func (d *device) enrolBody(code string, as *uuid.UUID) syncproto.EnrolRequest {
	public := d.key.Public().(ed25519.PublicKey)
	id := uuid.Nil
	if as != nil {
		id = *as
	}
	return syncproto.EnrolRequest{Code: code, Device: as, PublicKey: public, Proof: ed25519.Sign(d.key, changelog.EnrolMessage(id, public, code)),
		Platform: "test", Model: "conformance", App: "1", Schema: 1}
}

func (d *device) enrol(ctx context.Context, code string, as *uuid.UUID) (answer, error) {
	var got syncproto.EnrolAnswer
	a, err := d.post(ctx, syncproto.PathEnrol, "", d.enrolBody(code, as), &got)
	if err == nil && a.status == http.StatusCreated {
		d.answer = got
		d.learn(got.ServerKeys)
		if as == nil {
			d.start(newID())
		}
	}
	return a, err
}

func (d *device) learn(keys []syncproto.ServerKey) {
	if d.keys == nil {
		d.keys = map[string]ed25519.PublicKey{}
	}
	for _, k := range keys {
		d.keys[k.KID] = k.PublicKey
	}
}

// start begins a new epoch.
func (d *device) start(epoch uuid.UUID) {
	d.epoch, d.seq, d.log = epoch, 0, nil
	d.head = changelog.Genesis(d.answer.Device, epoch)
	d.heads = []changelog.Hash{d.head}
}

// edit is one change to make.
type edit struct {
	table string
	row   uuid.UUID
	op    changelog.Op
	base  uint64
	cols  map[string]any
	was   map[string]any
	alter func(*changelog.Change)
}

func insert(table string, cols map[string]any) edit {
	return edit{table: table, row: newID(), op: changelog.Insert, cols: cols}
}

func update(table string, row uuid.UUID, base uint64, cols, was map[string]any) edit {
	return edit{table: table, row: row, op: changelog.Update, base: base, cols: cols, was: was}
}

func day(text string) edit {
	return insert("day_summary", map[string]any{"day": "2026-11-20", "text": text})
}

// with alters the change of an edit.
func (e edit) with(fn func(*changelog.Change)) edit { e.alter = fn; return e }

// txn encodes edits as one transaction whose first change is number from.
func (d *device) txn(from uint64, edits ...edit) ([][]byte, error) {
	var out [][]byte
	for i, e := range edits {
		wall := time.Now().UnixMilli()
		d.hlc = max(d.hlc+1, uint64(wall)<<16)
		ch := changelog.Change{Seq: from + uint64(i), HLC: d.hlc, Wall: wall, Txn: from, Last: i == len(edits)-1, Table: e.table, Row: e.row, Op: e.op, Base: e.base,
			Cols: e.cols, Was: maps.Clone(e.was), Actor: d.answer.Person, Schema: 1, Boot: d.boot, Mono: 1, Salt: [16]byte(uuid.New())}
		if e.alter != nil {
			e.alter(&ch)
		}
		b, err := d.codec.Encode(&ch)
		if err != nil {
			return nil, err
		}
		out = append(out, b)
	}
	return out, nil
}

// singles encodes each edit as a transaction of its own.
func (d *device) singles(from uint64, edits ...edit) ([][]byte, error) {
	var out [][]byte
	for i, e := range edits {
		b, err := d.txn(from+uint64(i), e)
		if err != nil {
			return nil, err
		}
		out = append(out, b...)
	}
	return out, nil
}

// batch signs changes from number from on, after prev.
func (d *device) batch(from uint64, prev changelog.Hash, changes ...[]byte) *syncproto.PushRequest {
	head := prev
	for _, c := range changes {
		head = changelog.Next(head, c)
	}
	r := &syncproto.PushRequest{History: d.answer.History[:], Device: d.answer.Device[:], Epoch: d.epoch[:], From: from, Prev: prev[:], Changes: changes,
		Head: head[:], Boot: d.boot[:], Mono: 2, Wall: time.Now().UnixMilli()}
	d.sign(r)
	return r
}

// sign signs a batch anew, whatever is in it.
func (d *device) sign(r *syncproto.PushRequest) {
	last := r.From + uint64(len(r.Changes)) - 1
	r.Signature = ed25519.Sign(d.key, changelog.PushMessage(uuid.UUID(r.Device), uuid.UUID(r.Epoch), last, changelog.Hash(r.Head), uuid.UUID(r.Boot), r.Mono, r.Wall))
}

// push sends a batch as it is.
func (d *device) push(ctx context.Context, r *syncproto.PushRequest) (syncproto.PushAnswer, answer, error) {
	b, err := d.codec.Marshal(r)
	if err != nil {
		return syncproto.PushAnswer{}, answer{}, err
	}
	return d.pushBytes(ctx, d.zstd.EncodeAll(b, nil), "zstd")
}

func (d *device) pushBytes(ctx context.Context, body []byte, encoding string) (out syncproto.PushAnswer, a answer, err error) {
	headers := []string{"Content-Type", syncproto.TypeCBOR}
	if encoding != "" {
		headers = append(headers, "Content-Encoding", encoding)
	}
	a, err = d.call(ctx, http.MethodPost, syncproto.PathPush, d.answer.AccessToken, body, headers...)
	if err == nil && a.status == http.StatusOK {
		if err := cbor.Unmarshal(a.body, &out); err != nil {
			return out, a, differs("an answer in CBOR", fmt.Sprintf("%.80x", a.body))
		}
	}
	return out, a, err
}

// sound pushes changes behind the log's head, which must be taken whole.
func (d *device) sound(ctx context.Context, changes ...[]byte) (syncproto.PushAnswer, error) {
	r := d.batch(d.seq+1, d.head, changes...)
	got, a, err := d.push(ctx, r)
	if err != nil {
		return got, err
	}
	if want := d.seq + uint64(len(changes)); a.status != http.StatusOK || got.Acked != want {
		return got, differs(fmt.Sprintf("200, acked %d", want), fmt.Sprintf("%s, acked %d", a, got.Acked))
	}
	for _, c := range changes {
		d.head, d.seq = changelog.Next(d.head, c), d.seq+1
		d.heads, d.log = append(d.heads, d.head), append(d.log, c)
	}
	return got, nil
}

// write records edits, each a transaction, and pushes them.
func (d *device) write(ctx context.Context, edits ...edit) (syncproto.PushAnswer, error) {
	changes, err := d.singles(d.seq+1, edits...)
	if err != nil {
		return syncproto.PushAnswer{}, err
	}
	return d.sound(ctx, changes...)
}

// open checks what the server signed and reads its payload.
func (d *device) open(token string, into any) error {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return differs("a compact JWS", fmt.Sprintf("%.60q", token))
	}
	var raw [3][]byte
	for i, p := range parts {
		b, err := base64.RawURLEncoding.Strict().DecodeString(p)
		if err != nil {
			return differs("base64url without padding", err)
		}
		raw[i] = b
	}
	var h struct{ Alg, Kid, Typ string }
	if err := json.Unmarshal(raw[0], &h); err != nil {
		return err
	}
	key := d.keys[h.Kid]
	if h.Alg != "EdDSA" || h.Typ != "receipt+jws" || len(key) != ed25519.PublicKeySize {
		return differs("EdDSA, receipt+jws and a known kid", fmt.Sprintf("%+v", h))
	}
	if !ed25519.Verify(key, []byte(parts[0]+"."+parts[1]), raw[2]) {
		return errors.New("the receipt's signature is wrong")
	}
	return json.Unmarshal(raw[1], into)
}
