package main

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"io"
	mathrand "math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/fxamacker/cbor/v2"
	"github.com/google/uuid"

	"siteledger/syncproto"
	"siteledger/syncproto/changelog"
)

// device is a phone as the protocol sees it: a key and a signed log. It keeps
// all that it ever wrote, and how much of it was acknowledged.
type device struct {
	key     ed25519.PrivateKey
	id      uuid.UUID
	person  uuid.UUID
	history uuid.UUID
	token   string
	epoch   uuid.UUID
	boot    uuid.UUID
	codec   *changelog.Codec

	log   [][]byte
	heads []changelog.Hash // heads[n] is the chain's hash at change n
	acked uint64           // the highest that an answer has named
}

func newDevice() (*device, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	codec, err := changelog.NewCodec()
	return &device{key: key, codec: codec, boot: uuid.New()}, err
}

// restart begins a new log, as after a fork.
func (d *device) restart() {
	d.epoch, d.log, d.acked = uuid.Must(uuid.NewV7()), nil, 0
	d.heads = []changelog.Hash{changelog.Genesis(d.id, d.epoch)}
}

// enrol trades a code for an identity.
func (d *device) enrol(ctx context.Context, base, code string) error {
	public := d.key.Public().(ed25519.PublicKey)
	var a syncproto.EnrolAnswer
	err := d.json(ctx, base+syncproto.PathEnrol, syncproto.EnrolRequest{
		Code: code, PublicKey: public, Proof: ed25519.Sign(d.key, changelog.EnrolMessage(uuid.Nil, public, code)),
		Platform: "drill", Model: "drill", App: "drill", Schema: 1,
	}, &a)
	if err != nil {
		return fmt.Errorf("enrol: %w", err)
	}
	d.id, d.person, d.history, d.token = a.Device, a.Person, a.History, a.AccessToken
	d.restart()
	return nil
}

// record writes a transaction of n changes to the log.
func (d *device) record(n int) error {
	first := uint64(len(d.log)) + 1
	for i := range n {
		now := time.Now().UnixMilli()
		seq := first + uint64(i)
		b, err := d.codec.Encode(&changelog.Change{
			Seq: seq, HLC: uint64(now)<<16 + seq&0xffff, Wall: now, Txn: first, Last: i == n-1, Table: "day_summary", Row: uuid.Must(uuid.NewV7()),
			Op: changelog.Insert, Cols: map[string]any{"day": "2026-11-20", "text": fmt.Sprintf("第 %d 条记录", seq)}, Actor: d.person, Schema: 1, Boot: d.boot, Salt: uuid.New(),
		})
		if err != nil {
			return err
		}
		d.log = append(d.log, b)
		d.heads = append(d.heads, changelog.Next(d.heads[len(d.heads)-1], b))
	}
	return nil
}

// request is the push of changes from..to.
func (d *device) request(from, to uint64) *syncproto.PushRequest {
	wall := time.Now().UnixMilli()
	head := d.heads[to]
	return &syncproto.PushRequest{History: d.history[:], Device: d.id[:], Epoch: d.epoch[:], From: from, Prev: d.heads[from-1][:], Changes: d.log[from-1 : to], Head: head[:],
		Signature: ed25519.Sign(d.key, changelog.PushMessage(d.id, d.epoch, to, head, d.boot, 1, wall)), Boot: d.boot[:], Mono: 1, Wall: wall}
}

// push sends changes from..to and takes over what is acknowledged.
func (d *device) push(ctx context.Context, base string, from, to uint64) (*syncproto.PushAnswer, error) {
	body, err := d.codec.Marshal(d.request(from, to))
	if err != nil {
		return nil, err
	}
	status, header, b, err := send(ctx, http.MethodPost, base+syncproto.PathPush, syncproto.TypeCBOR, body, d.token)
	if err != nil {
		return nil, err
	}
	if status != http.StatusOK {
		r := refusal(status, b)
		r.later = header.Get("Retry-After")
		return nil, r
	}
	var a syncproto.PushAnswer
	if err := cbor.Unmarshal(b, &a); err != nil {
		if err := json.Unmarshal(b, &a); err != nil {
			return nil, err
		}
	}
	return &a, d.take(a.Acked, a.Head)
}

// take books an acknowledgement, which must be of this very log.
func (d *device) take(acked uint64, head []byte) error {
	if acked >= uint64(len(d.heads)) || !bytes.Equal(head, d.heads[acked][:]) {
		return fmt.Errorf("%w: change %d of %d with another head", errAnswer, acked, len(d.log))
	}
	d.acked = max(d.acked, acked)
	return nil
}

var errAnswer = fmt.Errorf("an acknowledgement of another log")

func (d *device) json(ctx context.Context, url string, in, into any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	status, b, err := call(ctx, http.MethodPost, url, syncproto.TypeJSON, body, d.token)
	if err != nil {
		return err
	}
	if status/100 != 2 {
		return refusal(status, b)
	}
	return json.Unmarshal(b, into)
}

// refused is an answer that says no.
type refused struct {
	status int
	later  string // Retry-After of a push's answer
	syncproto.Problem
}

func (r *refused) Error() string { return fmt.Sprintf("%d %s: %s", r.status, r.Code, r.Detail) }

func refusal(status int, body []byte) *refused {
	r := &refused{status: status}
	if err := json.Unmarshal(body, &r.Problem); err != nil {
		r.Detail = string(body[:min(200, len(body))])
	}
	return r
}

// call sends one request and reads the whole answer.
func call(ctx context.Context, method, url, kind string, body []byte, token string) (int, []byte, error) {
	status, _, b, err := send(ctx, method, url, kind, body, token)
	return status, b, err
}

func send(ctx context.Context, method, url, kind string, body []byte, token string) (int, http.Header, []byte, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return 0, nil, nil, err
	}
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil, nil, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return res.StatusCode, res.Header, b, err
}

// object is a photo on its way to the object storage.
type object struct {
	sha      [32]byte
	bytes    []byte
	key      string // below the storage's folder, once planned
	put      bool   // the storage answered 200
	verified bool   // the server signed a receipt
}

// newObject makes a small photo that nobody has.
func newObject(r *mathrand.Rand) (*object, error) {
	img := image.NewRGBA(image.Rect(0, 0, 64, 64))
	for i := range img.Pix {
		img.Pix[i] = uint8(r.Uint32())
	}
	img.Set(0, 0, color.White)
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: 60 + r.IntN(40)}); err != nil {
		return nil, err
	}
	return &object{sha: sha256.Sum256(b.Bytes()), bytes: b.Bytes()}, nil
}

// upload takes a photo from plan to receipt; what is done already is done again.
func (d *device) upload(ctx context.Context, base string, o *object) error {
	name := hex.EncodeToString(o.sha[:])
	var a syncproto.PlanAnswer
	err := d.json(ctx, base+syncproto.PathBlobPlan, syncproto.PlanRequest{Blobs: []syncproto.PlanBlob{
		{SHA256: name, Size: int64(len(o.bytes)), Type: "image/jpeg", Purpose: syncproto.PurposePhoto}}}, &a)
	if err != nil {
		return fmt.Errorf("plan: %w", err)
	}
	if len(a.Blobs) != 1 {
		return fmt.Errorf("plan: %d answers", len(a.Blobs))
	}
	p := a.Blobs[0]
	if p.State == syncproto.StateHave {
		o.verified = p.Receipt != ""
		return nil
	}
	if err := o.send(ctx, p); err != nil {
		return fmt.Errorf("put: %w", err)
	}
	var c syncproto.CommitAnswer
	if err := d.json(ctx, base+syncproto.PathBlobCommit, syncproto.CommitRequest{SHA256: name}, &c); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	o.verified = c.Receipt != ""
	return nil
}

func (o *object) send(ctx context.Context, p syncproto.PlannedBlob) error {
	u, err := url.Parse(p.URL)
	if err != nil {
		return err
	}
	o.key = strings.TrimPrefix(u.Path, "/")
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, p.URL, bytes.NewReader(o.bytes))
	if err != nil {
		return err
	}
	for k, v := range p.Headers {
		req.Header.Set(k, v)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	switch {
	case err != nil:
		return err
	case res.StatusCode == http.StatusPreconditionFailed: // it is there already
	case res.StatusCode/100 != 2:
		return &refused{status: res.StatusCode, Problem: syncproto.Problem{Detail: string(b[:min(300, len(b))])}}
	}
	o.put = true
	return nil
}
