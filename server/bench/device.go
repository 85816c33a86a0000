package main

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/fxamacker/cbor/v2"
	"github.com/google/uuid"
	"github.com/klauspost/compress/zstd"

	"siteledger/syncproto"
	"siteledger/syncproto/changelog"
)

// device is a phone as the protocol sees it: a key and a signed log. Its work
// is done before a clock starts, so that what is measured is the server's.
type device struct {
	key     ed25519.PrivateKey
	id      uuid.UUID
	person  uuid.UUID
	history uuid.UUID
	token   string
	epoch   uuid.UUID
	boot    uuid.UUID
	jobs    []uuid.UUID
	codec   *changelog.Codec

	log   [][]byte
	heads []changelog.Hash // heads[n] is the chain's hash at change n
	ends  []bool           // ends[n]: change n ends a transaction
}

// device enrols a phone of a person.
func (w *world) device(ctx context.Context, person uuid.UUID) (*device, error) {
	public, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	code, _, err := w.Auth.OperatorCode(ctx, person)
	if err != nil {
		return nil, err
	}
	a, err := w.Auth.Enrol(ctx, syncproto.EnrolRequest{Code: code, PublicKey: public, Proof: ed25519.Sign(key, changelog.EnrolMessage(uuid.Nil, public, code)),
		Platform: "bench", Model: "bench", App: "bench", Schema: w.Schema.Version}, "127.0.0.1")
	if err != nil {
		return nil, fmt.Errorf("enrol: %w", err)
	}
	codec, err := changelog.NewCodec()
	if err != nil {
		return nil, err
	}
	d := &device{key: key, id: a.Device, person: person, history: a.History, token: a.AccessToken, epoch: newID(), boot: newID(), codec: codec}
	d.heads, d.ends = []changelog.Hash{changelog.Genesis(d.id, d.epoch)}, []bool{true}
	return d, nil
}

// installers makes n people with a phone and jobs each.
func (w *world) installers(ctx context.Context, n, jobs int) ([]*device, error) {
	var out []*device
	for i := range n {
		p, err := w.person(ctx, fmt.Sprintf("师傅%d", i+1), "installer")
		if err != nil {
			return nil, err
		}
		d, err := w.device(ctx, p)
		if err != nil {
			return nil, err
		}
		if d.jobs, err = w.jobs(ctx, p, jobs); err != nil {
			return nil, err
		}
		out = append(out, d)
	}
	return out, nil
}

// record adds one change, a transaction of its own, to the log.
func (d *device) record(ch changelog.Change) error { return d.transaction([]changelog.Change{ch}) }

// transaction adds changes that take effect together to the log.
func (d *device) transaction(changes []changelog.Change) error {
	first := uint64(len(d.log)) + 1
	for i, ch := range changes {
		at, seq := now(), first+uint64(i)
		ch.Seq, ch.Txn, ch.Last = seq, first, i == len(changes)-1
		ch.HLC, ch.Wall, ch.Mono = uint64(at)<<16+seq&0xffff, at, seq
		ch.Actor, ch.Schema, ch.Boot, ch.Salt = d.person, 1, d.boot, uuid.New()
		b, err := d.codec.Encode(&ch)
		if err != nil {
			return err
		}
		d.log = append(d.log, b)
		d.heads = append(d.heads, changelog.Next(d.heads[seq-1], b))
		d.ends = append(d.ends, ch.Last)
	}
	return nil
}

// notes records n notes of about 300 bytes each, spread over the jobs.
func (d *device) notes(n int, say *phrases) error {
	for i := range n {
		job := d.jobs[i%len(d.jobs)]
		err := d.record(changelog.Change{Table: "note", Row: newID(), Op: changelog.Insert, Cols: map[string]any{
			"job": job[:], "kind": "note", "text": say.sentence(), "at": time.Now().UnixMilli(), "author": d.person[:]}})
		if err != nil {
			return err
		}
	}
	return nil
}

// request is the push of changes from..to, signed as sent now.
func (d *device) request(from, to int) *syncproto.PushRequest {
	wall, head := now(), d.heads[to]
	return &syncproto.PushRequest{History: d.history[:], Device: d.id[:], Epoch: d.epoch[:], From: uint64(from), Prev: d.heads[from-1][:],
		Changes: d.log[from-1 : to], Head: head[:], Boot: d.boot[:], Mono: 1, Wall: wall,
		Signature: ed25519.Sign(d.key, changelog.PushMessage(d.id, d.epoch, uint64(to), head, d.boot, 1, wall))}
}

// body is a push as it is sent, and the last number that it holds.
type body struct {
	bytes []byte
	last  uint64
}

// bodies are the pushes of the whole log from change from on, in batches,
// encoded and compressed.
func (d *device) bodies(pack *zstd.Encoder, from, batch int) ([]body, error) {
	var out []body
	for from <= len(d.log) {
		to := min(from+batch-1, len(d.log))
		for to < len(d.log) && !d.ends[to] { // a batch ends with a transaction
			to++
		}
		raw, err := d.codec.Marshal(d.request(from, to))
		if err != nil {
			return nil, err
		}
		out = append(out, body{pack.EncodeAll(raw, nil), uint64(to)})
		from = to + 1
	}
	return out, nil
}

// newPacker is the compressor of a phone.
func newPacker() (*zstd.Encoder, error) {
	return zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true))
}

// send pushes one body and wants all of it acknowledged, and nothing said of
// any change.
func (d *device) send(ctx context.Context, client *http.Client, url string, push body) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url+syncproto.PathPush, bytes.NewReader(push.bytes))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", syncproto.TypeCBOR)
	req.Header.Set("Content-Encoding", "zstd")
	req.Header.Set("Authorization", "Bearer "+d.token)
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK {
		return refusal(res.StatusCode, b)
	}
	var a syncproto.PushAnswer
	if err := cbor.Unmarshal(b, &a); err != nil {
		return err
	}
	if !bytes.Equal(a.Head, d.heads[push.last][:]) {
		return notPlain(&a, push.last)
	}
	return plainly(&a, push.last)
}

func notPlain(a *syncproto.PushAnswer, want uint64) error {
	err := fmt.Errorf("push answered change %d with %d outcomes, want %d and none", a.Acked, len(a.Outcomes), want)
	if len(a.Outcomes) > 0 {
		err = fmt.Errorf("%w: change %d is %s %s", err, a.Outcomes[0].Seq, a.Outcomes[0].Code, a.Outcomes[0].Reason)
	}
	return err
}

func refusal(status int, body []byte) error {
	var p syncproto.Problem
	if err := json.Unmarshal(body, &p); err != nil {
		return fmt.Errorf("%d: %.200s", status, body)
	}
	return fmt.Errorf("%d %s: %s", status, p.Code, p.Detail)
}

// fleetClient sends for many devices: each keeps its connection, as a phone
// does.
func fleetClient(devices int) *http.Client {
	return &http.Client{Timeout: 2 * time.Minute, Transport: &http.Transport{MaxIdleConns: devices, MaxIdleConnsPerHost: devices, IdleConnTimeout: time.Minute, DisableCompression: true}}
}

// forget lets go of the bytes up to a change that the server has: the chain
// goes on from its hash alone.
func (d *device) forget(acked int) {
	for i := range acked {
		d.log[i] = nil
	}
}
