package api_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"siteledger/server/auth"
	"siteledger/syncproto"
	packing "siteledger/syncproto/pack"
)

// packed spells a push's changes in the packed form: its body and type.
func (p *phone) packed(req *syncproto.PushRequest) (body []byte, media string) {
	size := 0
	for _, b := range req.Changes {
		size += len(b)
	}
	return p.cbor(p.packedWith(req, packing.Pack(req.Changes, nil))), sizedType(size)
}

func (p *phone) packedWith(req *syncproto.PushRequest, changes []byte) syncproto.PackedRequest {
	return syncproto.PackedRequest{History: req.History, Device: req.Device, Epoch: req.Epoch, From: req.From, Prev: req.Prev, Head: req.Head,
		Signature: req.Signature, Boot: req.Boot, Mono: req.Mono, Wall: req.Wall, Packed: changes}
}

func sizedType(size int) string { return fmt.Sprintf("%s; size=%d", syncproto.TypePacked, size) }

// A packed push is the plain one in other words: what is stored, acknowledged
// and answered is the same, whichever comes first.
func TestPackedPushIsThePlainOne(t *testing.T) {
	for _, first := range []bool{true, false} {
		w := newWorld(t)
		p := w.phone(w.installer)
		req := p.batch(p.note(1, "一"), p.note(2, strings.Repeat("二", 3000)), []byte("no change at all"))
		body, media := p.packed(req)
		send := func(plain bool) (a syncproto.PushAnswer) {
			if plain {
				p.push(req).cbor(t, &a)
			} else {
				w.call("POST", syncproto.PathPush, p.answer.AccessToken, pack(t, body), "Content-Type", media, "Content-Encoding", "zstd").cbor(t, &a)
			}
			return a
		}
		a, b := send(first), send(!first)
		if a.Acked != 3 || !bytes.Equal(a.Head, req.Head) || b.Acked != 3 || !bytes.Equal(a.Sent, b.Sent) || fmt.Sprint(a.Outcomes) != fmt.Sprint(b.Outcomes) {
			t.Errorf("answered %+v, then %+v", a, b)
		}
		w.call("POST", syncproto.PathPush, p.answer.AccessToken, body, "Content-Type", media).cbor(t, &a)
		if a.Acked != 3 {
			t.Errorf("not compressed: acked %d", a.Acked)
		}
	}
}

// Every answer says which form is read, also one that refuses.
func TestEveryAnswerSaysThatPackedPushesAreRead(t *testing.T) {
	w := newWorld(t)
	p := w.phone(w.installer)
	for _, a := range []answer{
		p.push(p.batch(p.note(1, "x"))),
		w.call("GET", syncproto.PathPull, p.answer.AccessToken, nil),
		w.call("GET", syncproto.PathPull, "wrong", nil),
		w.call("POST", syncproto.PathPush, p.answer.AccessToken, []byte("x"), "Content-Type", "text/plain"),
		w.call("GET", syncproto.PathSchema, "", nil),
	} {
		if got := a.header.Get(syncproto.HeaderAcceptPush); got != syncproto.TypePacked {
			t.Errorf("status %d: %q", a.status, got)
		}
	}
}

func TestPackedPushesAreRefusedAsPlainOnesAre(t *testing.T) {
	w := newWorld(t)
	p := w.phone(w.installer)
	req := p.batch(p.note(1, "一"), p.note(2, "二"))
	body, media := p.packed(req)
	size := len(req.Changes[0]) + len(req.Changes[1])
	send := func(body []byte, media string) answer {
		return w.call("POST", syncproto.PathPush, p.answer.AccessToken, body, "Content-Type", media)
	}
	for _, params := range []string{"", "; size=", "; size=-1", "; size=1e3", "; size=99999999999999999999", "; sizes=3"} {
		send(body, syncproto.TypePacked+params).want(t, 415, syncproto.TypeUnsupported)
	}
	pr := send(body, sizedType(4<<20+1)).want(t, 413, syncproto.BatchTooLarge)
	if pr.Limit != "batch_bytes" || pr.Max != 4<<20 {
		t.Errorf("limit %q %d", pr.Limit, pr.Max)
	}
	for _, wrong := range []int{0, 1, size - 1, size + 1, 4 << 20} {
		send(body, sizedType(wrong)).want(t, 422, syncproto.EnvelopeInvalid)
	}
	send(p.cbor(req), media).want(t, 422, syncproto.EnvelopeInvalid) // a plain body under the packed type
	send(body, syncproto.TypeCBOR).want(t, 422, syncproto.EnvelopeInvalid)
	send(p.cbor(map[int]any{1: req.Device, 5: req.Changes, 11: packing.Pack(req.Changes, nil)}), media).want(t, 422, syncproto.EnvelopeInvalid)
	whole := packing.Pack(req.Changes, nil)
	for n := range whole {
		send(p.cbor(p.packedWith(req, whole[:n])), media).want(t, 422, syncproto.EnvelopeInvalid)
	}
	other := *req
	other.Changes = [][]byte{req.Changes[0], p.note(2, "三")}
	wrong, _ := p.packed(&other)
	send(wrong, media).want(t, 422, syncproto.ChainBroken)
	stranger := w.phone(w.stranger)
	w.call("POST", syncproto.PathPush, stranger.answer.AccessToken, p.cbor(p.packedWith(req, []byte("no batch"))), "Content-Type", media).want(t, 403, syncproto.WrongDevice)
	if a := p.push(req); a.status != 200 {
		t.Errorf("after all of that the batch is answered %d %s", a.status, a.body)
	}
}

func TestPackedPushesKeepToTheLimits(t *testing.T) {
	w := newWorld(t)
	p := w.phone(w.installer)
	var many [][]byte
	for seq := range uint64(1001) {
		many = append(many, p.note(seq+1, "x"))
	}
	body, media := p.packed(p.batch(many...))
	w.call("POST", syncproto.PathPush, p.answer.AccessToken, body, "Content-Type", media).want(t, 413, syncproto.BatchTooLong)
	body, media = p.packed(p.batch(p.note(1, strings.Repeat("x", 64<<10))))
	w.call("POST", syncproto.PathPush, p.answer.AccessToken, body, "Content-Type", media).want(t, 413, syncproto.ChangeTooLarge)
	// Few bytes that would become many: the same long text again and again.
	var long [][]byte
	for seq := range uint64(500) {
		long = append(long, p.note(seq+1, strings.Repeat("y", 60<<10)))
	}
	bomb, _ := p.packed(p.batch(long...))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	w.call("POST", syncproto.PathPush, p.answer.AccessToken, bomb, "Content-Type", sizedType(4<<20)).want(t, 422, syncproto.EnvelopeInvalid)
	runtime.ReadMemStats(&after)
	if grown := after.TotalAlloc - before.TotalAlloc; grown > 12<<20 {
		t.Errorf("%d KiB became %d MiB", len(bomb)>>10, grown>>20)
	}
}

// Whatever bit is turned, the answer is a refusal and nothing is stored of it.
func TestPackedPushesWithATurnedBit(t *testing.T) {
	w := newWorld(t)
	p := w.phone(w.installer)
	req := p.batch(p.note(1, "一"), p.note(2, "二"), p.note(3, "一"))
	body, media := p.packed(req)
	r := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		b := bytes.Clone(body)
		b[r.IntN(len(b))] ^= 1 << r.IntN(8)
		a := w.call("POST", syncproto.PathPush, p.answer.AccessToken, b, "Content-Type", media)
		if a.status < 400 || a.status >= 500 {
			t.Fatalf("answered %d %s", a.status, a.body)
		}
	}
	var a syncproto.PushAnswer
	w.call("POST", syncproto.PathPush, p.answer.AccessToken, body, "Content-Type", media).cbor(t, &a)
	if a.Acked != 3 || len(a.Outcomes) != 0 {
		t.Errorf("the batch as it was: %+v", a)
	}
}

// A revoked device's packed batch is quarantined as its changes are.
func TestPackedPushOfARevokedDevice(t *testing.T) {
	w := newWorld(t)
	p := w.phone(w.installer)
	must(t, w.auth.RevokeDevice(t.Context(), auth.Operator(), p.answer.Device))
	body, media := p.packed(p.batch(p.note(1, "一")))
	w.call("POST", syncproto.PathPush, p.answer.AccessToken, body, "Content-Type", media).want(t, http.StatusForbidden, syncproto.DeviceRevoked)
}
