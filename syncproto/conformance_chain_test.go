package syncproto_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"testing"

	"github.com/fxamacker/cbor/v2"
	"github.com/google/uuid"

	"siteledger/syncproto"
	"siteledger/syncproto/changelog"
	"siteledger/syncproto/schema"
)

type chainVector struct {
	Device  uuid.UUID   `json:"device"`
	Epoch   uuid.UUID   `json:"epoch"`
	Genesis string      `json:"genesis"` // h(0)
	Links   []chainLink `json:"links"`
}

type chainLink struct {
	Bytes  string `json:"bytes"`
	Digest string `json:"digest"` // SHA-256 of the bytes
	Head   string `json:"head"`   // h(n)
}

func buildChain(t *testing.T) chainVector {
	codec := newCodec(t)
	h := changelog.Genesis(fixed(0x10), fixed(0x11))
	v := chainVector{Device: fixed(0x10), Epoch: fixed(0x11), Genesis: hex.EncodeToString(h[:])}
	for i := range uint64(3) {
		c := base()
		c.Seq, c.Txn, c.Last = i+1, max(i, 1), i != 1
		c.Cols = map[string]any{"text": []string{"到达", "自检", "离开"}[i]}
		b, err := codec.Encode(c)
		if err != nil {
			t.Fatal(err)
		}
		h = changelog.Next(h, b)
		d := changelog.Digest(b)
		v.Links = append(v.Links, chainLink{hex.EncodeToString(b), hex.EncodeToString(d[:]), hex.EncodeToString(h[:])})
	}
	return v
}

func TestConformanceChain(t *testing.T) {
	v := conform(t, "chain.json", buildChain(t))
	h := sha256.Sum256(append(append([]byte("siteledger log v1"), v.Device[:]...), v.Epoch[:]...))
	if hex.EncodeToString(h[:]) != v.Genesis {
		t.Errorf("genesis %x", h)
	}
	for i, l := range v.Links {
		d := sha256.Sum256(unhex(t, l.Bytes))
		before := changelog.Hash(h)
		h = sha256.Sum256(append(h[:], d[:]...))
		if hex.EncodeToString(d[:]) != l.Digest || hex.EncodeToString(h[:]) != l.Head {
			t.Errorf("link %d: digest %x, head %x", i+1, d, h)
		}
		if got := changelog.NextDigest(before, changelog.Hash(unhex(t, l.Digest))); got != changelog.Hash(h) {
			t.Errorf("link %d from its digest alone: %x", i+1, got)
		}
	}
}

// The key of all vectors: the seed is the bytes 0 to 31.
func fixedKey() ed25519.PrivateKey {
	seed := make([]byte, ed25519.SeedSize)
	for i := range seed {
		seed[i] = byte(i)
	}
	return ed25519.NewKeyFromSeed(seed)
}

type pushVector struct {
	Seed      string    `json:"seed"` // the private key, RFC 8032
	PublicKey string    `json:"public_key"`
	History   uuid.UUID `json:"history"`
	Device    uuid.UUID `json:"device"`
	Epoch     uuid.UUID `json:"epoch"`
	From      uint64    `json:"from"`
	Last      uint64    `json:"last"`
	Prev      string    `json:"prev"`
	Head      string    `json:"head"`
	Boot      uuid.UUID `json:"boot"`
	Mono      uint64    `json:"mono"`
	Wall      int64     `json:"wall"`
	Changes   []string  `json:"changes"`
	Message   string    `json:"message"` // what is signed
	Signature string    `json:"signature"`
	Body      string    `json:"body"` // the whole push, not compressed
	Answer    string    `json:"answer"`
}

func buildPush(t *testing.T) pushVector {
	key, chain, codec := fixedKey(), buildChain(t), newCodec(t)
	head := changelog.Hash(unhex(t, chain.Links[2].Head))
	v := pushVector{Seed: hex.EncodeToString(key.Seed()), PublicKey: hex.EncodeToString(key.Public().(ed25519.PublicKey)), History: fixed(0x12),
		Device: chain.Device, Epoch: chain.Epoch, From: 1, Last: 3, Prev: chain.Genesis, Head: chain.Links[2].Head, Boot: fixed(3), Mono: 7_200_000, Wall: -1}
	message := changelog.PushMessage(v.Device, v.Epoch, v.Last, head, v.Boot, v.Mono, v.Wall)
	v.Message = hex.EncodeToString(message)
	v.Signature = hex.EncodeToString(ed25519.Sign(key, message))
	req := syncproto.PushRequest{History: v.History[:], Device: v.Device[:], Epoch: v.Epoch[:], From: v.From, Prev: unhex(t, v.Prev), Head: head[:],
		Signature: unhex(t, v.Signature), Boot: v.Boot[:], Mono: v.Mono, Wall: v.Wall}
	for _, l := range chain.Links {
		v.Changes = append(v.Changes, l.Bytes)
		req.Changes = append(req.Changes, unhex(t, l.Bytes))
	}
	caseID := fixed(0x20)
	ans := syncproto.PushAnswer{Acked: 3, Head: head[:], ServerTime: 1795312801000, Hint: []byte{1}, HLC: 1795312800000 << 16, Receipt: "a.b.c", Outcomes: []syncproto.Outcome{
		{Seq: 1, Code: syncproto.Held, Reason: syncproto.BadValue, Case: caseID[:]},
		{Seq: 2, Code: syncproto.Held, Reason: syncproto.Transaction, Case: caseID[:]},
		{Seq: 3, Code: syncproto.Merged},
	}}
	for out, msg := range map[*string]any{&v.Body: req, &v.Answer: ans} {
		b, err := codec.Marshal(msg)
		if err != nil {
			t.Fatal(err)
		}
		*out = hex.EncodeToString(b)
	}
	return v
}

func TestConformancePush(t *testing.T) {
	v := conform(t, "push.json", buildPush(t))
	message := append([]byte("siteledger push v1"), v.Device[:]...)
	message = append(message, v.Epoch[:]...)
	message = binary.BigEndian.AppendUint64(message, v.Last)
	message = append(message, unhex(t, v.Head)...)
	message = append(message, v.Boot[:]...)
	message = binary.BigEndian.AppendUint64(message, v.Mono)
	message = binary.BigEndian.AppendUint64(message, uint64(v.Wall))
	if hex.EncodeToString(message) != v.Message {
		t.Errorf("message %x", message)
	}
	if !ed25519.Verify(unhex(t, v.PublicKey), message, unhex(t, v.Signature)) {
		t.Error("the signature does not hold")
	}
	message[len(message)-1] ^= 1
	if ed25519.Verify(unhex(t, v.PublicKey), message, unhex(t, v.Signature)) {
		t.Error("the signature holds for another message")
	}
	var req map[uint64]any
	if err := cbor.Unmarshal(unhex(t, v.Body), &req); err != nil {
		t.Fatal(err)
	}
	if len(req) != 11 || req[3] != v.From || !bytes.Equal(req[2].([]byte), v.Epoch[:]) || req[10] != v.Wall || len(req[5].([]any)) != len(v.Changes) {
		t.Errorf("body %v", req)
	}
	var ans map[uint64]any
	if err := cbor.Unmarshal(unhex(t, v.Answer), &ans); err != nil {
		t.Fatal(err)
	}
	outs := ans[3].([]any)
	if last := outs[2].(map[any]any); len(last) != 2 || last[uint64(2)] != "merged" {
		t.Errorf("a merged outcome has neither reason nor case: %v", last)
	}
}

type enrolVector struct {
	Name      string `json:"name"`
	Seed      string `json:"seed"`
	PublicKey string `json:"public_key"`
	Device    string `json:"device"` // empty for a new device: 16 zero bytes are signed
	Code      string `json:"code"`
	Message   string `json:"message"`
	Proof     string `json:"proof"`
}

func TestConformanceEnrol(t *testing.T) {
	key := fixedKey()
	public := key.Public().(ed25519.PublicKey)
	var built []enrolVector
	for _, c := range []struct {
		name   string
		device uuid.UUID
		text   string
	}{{"new device", uuid.Nil, ""}, {"a device that comes back", fixed(0x10), fixed(0x10).String()}} {
		message := changelog.EnrolMessage(c.device, public, "K7F3-9QZD")
		built = append(built, enrolVector{c.name, hex.EncodeToString(key.Seed()), hex.EncodeToString(public), c.text, "K7F3-9QZD",
			hex.EncodeToString(message), hex.EncodeToString(ed25519.Sign(key, message))})
	}
	for _, v := range conform(t, "enrol.json", built) {
		var device uuid.UUID
		if v.Device != "" {
			device = uuid.MustParse(v.Device)
		}
		message := append([]byte("siteledger enrol v1"), device[:]...)
		message = append(message, unhex(t, v.PublicKey)...)
		message = append(message, v.Code...)
		if hex.EncodeToString(message) != v.Message || !ed25519.Verify(unhex(t, v.PublicKey), message, unhex(t, v.Proof)) {
			t.Errorf("%s: message %x", v.Name, message)
		}
	}
}

type checksumVector struct {
	Roots []checksumRoot `json:"roots"`
	Total checksumSum    `json:"total"`
}

type checksumRoot struct {
	Root uuid.UUID     `json:"root"`
	Rows []checksumRow `json:"rows"`
	checksumSum
}

type checksumRow struct {
	Table string    `json:"table"`
	Row   uuid.UUID `json:"row"`
	Rev   string    `json:"rev"`
	Part  string    `json:"part"` // the row's share of the sum
}

type checksumSum struct {
	Count int    `json:"count"`
	Sum   string `json:"sum"`
}

func TestConformanceChecksums(t *testing.T) {
	rows := []struct {
		root  byte
		table string
		row   byte
		rev   uint64
	}{{0x30, "job", 0x30, 5}, {0x30, "note", 0x31, 6}, {0x30, "note", 0x32, 1<<40 + 7}, {0x40, "person", 0x41, 1}}
	built := checksumVector{Roots: []checksumRoot{{Root: fixed(0x30)}, {Root: fixed(0x40)}, {Root: fixed(0x50), Rows: []checksumRow{}}}}
	var total uint64
	for i := range built.Roots {
		r := &built.Roots[i]
		var sum uint64
		for _, x := range rows {
			if fixed(x.root) != r.Root {
				continue
			}
			p := schema.RowSum(x.table, fixed(x.row), x.rev)
			sum += p
			r.Rows = append(r.Rows, checksumRow{x.table, fixed(x.row), u64(x.rev), schema.SumText(p)})
		}
		r.Count, r.Sum = len(r.Rows), schema.SumText(sum)
		total += sum
		built.Total.Count += r.Count
	}
	built.Total.Sum = schema.SumText(total)
	v := conform(t, "checksums.json", built)
	var all uint64
	for _, r := range v.Roots {
		var sum uint64
		for _, x := range r.Rows {
			b := append(append([]byte(x.Table), 0), x.Row[:]...)
			rev := value{Int: &x.Rev}.cell(t).(int64)
			h := sha256.Sum256(binary.BigEndian.AppendUint64(b, uint64(rev)))
			if hex.EncodeToString(h[:8]) != x.Part {
				t.Errorf("%s %s: part %x", x.Table, x.Row, h[:8])
			}
			sum += binary.BigEndian.Uint64(h[:8])
		}
		if want := hex.EncodeToString(binary.BigEndian.AppendUint64(nil, sum)); r.Sum != want || r.Count != len(r.Rows) {
			t.Errorf("root %s: %s, want %s", r.Root, r.Sum, want)
		}
		all += sum
	}
	if want := hex.EncodeToString(binary.BigEndian.AppendUint64(nil, all)); v.Total.Sum != want {
		t.Errorf("total %s, want %s", v.Total.Sum, want)
	}
}
