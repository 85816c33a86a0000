package bundle_test

import (
	"archive/zip"
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"siteledger/server/auth"
	"siteledger/server/bundle"
	"siteledger/server/office/benchtest"
	"siteledger/syncproto"
	"siteledger/syncproto/changelog"
)

// made is a bundle of the kit's story.
func made(t *testing.T) []byte {
	t.Helper()
	w := benchtest.Open(t)
	d := newDesk(t, w)
	s := w.Finished()
	w.ArriveAll(s)
	raw := d.bundle(bundle.Subject{Centre: w.Centre, Job: s.Job})
	if v := check(t, raw, fingerprint(t)); v.State != bundle.Verified {
		t.Fatalf("%+v", v)
	}
	return raw
}

// TestTampering tries one bundle in every way.
func TestTampering(t *testing.T) {
	raw := made(t)
	t.Run("every byte counts", func(t *testing.T) { everyByteCounts(t, raw) })
	t.Run("every file counts", func(t *testing.T) { everyFileCounts(t, raw) })
	t.Run("entries", func(t *testing.T) { entries(t, raw) })
	t.Run("another key", func(t *testing.T) { anotherKey(t, raw) })
	t.Run("the server cannot lie", func(t *testing.T) { serverCannotLie(t, raw) })
}

// everyByteCounts flips a bit at thousands of places, all over the file
// and at every place of the zip's own structure, cuts it and adds to it: not
// one of them is verified, and each is told with its place.
func everyByteCounts(t *testing.T, raw []byte) {
	t.Helper()
	trusted := fingerprint(t)
	places := map[int]byte{}
	step := max(len(raw)/1200, 1)
	for i := 0; i < len(raw); i += step {
		places[i] = 1 << (i % 8)
	}
	for _, sig := range []string{"PK\x03\x04", "PK\x07\x08", "PK\x01\x02", "PK\x05\x06"} {
		for at := 0; ; {
			i := bytes.Index(raw[at:], []byte(sig))
			if i < 0 {
				break
			}
			for j := range min(60, len(raw)-at-i) {
				places[at+i+j] = 1 << (j % 8)
			}
			at += i + 4
		}
	}
	bad := bytes.Clone(raw)
	for i, bit := range places {
		bad[i] ^= bit
		if v := check(t, bad, trusted); v.State != bundle.Broken || len(v.Findings) == 0 || v.Findings[0].What.ZH == "" || v.Findings[0].What.EN == "" {
			t.Fatalf("byte %d of %d, bit %#x: %+v", i, len(raw), bit, v)
		}
		bad[i] ^= bit
	}
	t.Logf("%d places of %d bytes", len(places), len(raw))
	for n := 0; n < len(raw); n += max(len(raw)/60, 1) {
		if v := check(t, raw[:n], trusted); v.State != bundle.Broken {
			t.Fatalf("the first %d bytes: %+v", n, v)
		}
	}
	if v := check(t, append(bytes.Clone(raw), 0), trusted); v.State != bundle.Broken {
		t.Fatalf("one byte more: %+v", v)
	}
}

// everyFileCounts flips one bit at the beginning, in the middle and at the end
// of each file of the zip: the file itself is named.
func everyFileCounts(t *testing.T, raw []byte) {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
	if err != nil || len(z.File) < 10 {
		t.Fatal(err)
	}
	bad := bytes.Clone(raw)
	for _, f := range z.File {
		at, err := f.DataOffset()
		if err != nil || f.CompressedSize64 == 0 {
			t.Fatal(f.Name, err)
		}
		for _, off := range []uint64{0, f.CompressedSize64 / 2, f.CompressedSize64 - 1} {
			bad[uint64(at)+off] ^= 4
			v := check(t, bad, fingerprint(t))
			if v.State != bundle.Broken || !slices.ContainsFunc(v.Findings, func(x bundle.Finding) bool { return x.Entry == f.Name }) {
				t.Errorf("%s, byte %d of %d: %s, %+v", f.Name, off, f.CompressedSize64, v.State, v.Findings)
			}
			bad[uint64(at)+off] ^= 4
		}
	}
	t.Logf("%d files", len(z.File))
}

// entries adds, takes away, renames, doubles and reorders entries and
// swaps two photos.
func entries(t *testing.T, raw []byte) {
	t.Helper()
	parts, err := bundle.Parts(raw)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := bundle.Join(parts); err != nil || !bytes.Equal(again, raw) {
		t.Fatalf("taken apart and joined it is another file: %v", err)
	}
	find := func(prefix string) int {
		return slices.IndexFunc(parts, func(p bundle.Part) bool { return strings.HasPrefix(p.Name, prefix) })
	}
	for name, forge := range map[string]func([]bundle.Part) []bundle.Part{
		"an entry added": func(p []bundle.Part) []bundle.Part { return append(p, bundle.Part{Name: "zz.txt", Body: []byte("x")}) },
		"a photo added": func(p []bundle.Part) []bundle.Part {
			return append([]bundle.Part{{Name: "attachments/a.jpg", Body: []byte("x")}}, p...)
		},
		"a photo gone": func(p []bundle.Part) []bundle.Part {
			return slices.Delete(p, find("attachments/close"), find("attachments/close")+1)
		},
		"a log gone": func(p []bundle.Part) []bundle.Part { return slices.Delete(p, find("ledger/"), find("ledger/")+1) },
		"the seal gone": func(p []bundle.Part) []bundle.Part {
			return slices.Delete(p, find("manifest.jws"), find("manifest.jws")+1)
		},
		"the page gone": func(p []bundle.Part) []bundle.Part { return slices.Delete(p, find("index"), find("index")+1) },
		"a photo renamed": func(p []bundle.Part) []bundle.Part {
			p[find("attachments/close")].Name = "attachments/closf.jpg"
			return p
		},
		"two photos swapped": func(p []bundle.Part) []bundle.Part {
			a, b := find("attachments/close"), find("attachments/full")
			p[a].Body, p[b].Body = p[b].Body, p[a].Body
			return p
		},
		"the page rewritten": func(p []bundle.Part) []bundle.Part {
			p[find("index")].Body = bytes.Replace(p[find("index")].Body, []byte("13800001234"), []byte("13800009999"), 1)
			return p
		},
		"two entries in another order": func(p []bundle.Part) []bundle.Part {
			p[0], p[1] = p[1], p[0]
			return p
		},
		"an entry twice":        func(p []bundle.Part) []bundle.Part { return slices.Insert(p, 1, p[0]) },
		"a path that leads out": func(p []bundle.Part) []bundle.Part { return append([]bundle.Part{{Name: "../evil", Body: nil}}, p...) },
		"an absolute path":      func(p []bundle.Part) []bundle.Part { return append([]bundle.Part{{Name: "/etc/x", Body: nil}}, p...) },
	} {
		v := check(t, bundle.JoinAny(forge(slices.Clone(parts))), fingerprint(t))
		if v.State != bundle.Broken {
			t.Errorf("%s: %+v", name, v)
		}
	}
}

// forge seals changed parts again with some key.
func forge(t *testing.T, k *auth.Keys, parts []bundle.Part, change func(*bundle.Manifest)) []byte {
	t.Helper()
	parts = slices.Clone(parts)
	var m bundle.Manifest
	at := map[string]int{}
	for i, p := range parts {
		at[p.Name] = i
	}
	if err := json.Unmarshal(parts[at["manifest.json"]].Body, &m); err != nil {
		t.Fatal(err)
	}
	public := k.Public()[0]
	m.ServerKey = bundle.Key{KID: public.KID, PublicKey: public.PublicKey, Fingerprint: bundle.Fingerprint(public.PublicKey)}
	if change != nil {
		change(&m)
	}
	for i, e := range m.Entries {
		body := parts[at[e.Path]].Body
		sum := sha256.Sum256(body)
		m.Entries[i].SHA256, m.Entries[i].Size = hex.EncodeToString(sum[:]), int64(len(body))
	}
	body, err := json.MarshalIndent(&m, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(body)
	jws, err := k.SignJWS(bundle.SealBody(&m, body, hex.EncodeToString(sum[:])))
	if err != nil {
		t.Fatal(err)
	}
	parts[at["manifest.json"]].Body, parts[at["manifest.jws"]].Body = body, []byte(jws)
	raw, err := bundle.Join(parts)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// anotherKey seals a bundle again: with the seal alone signed by a
// stranger the office's log gives it away; with everything signed anew it fits
// together and is the stranger's, which only a trusted fingerprint tells.
func anotherKey(t *testing.T, raw []byte) {
	t.Helper()
	parts, err := bundle.Parts(raw)
	if err != nil {
		t.Fatal(err)
	}
	private := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, 32))
	stranger := auth.NewKeys(private)
	seal := forge(t, stranger, parts, nil)
	if v := check(t, seal, nil); v.State != bundle.Broken {
		t.Errorf("only the seal is a stranger's: %+v", v)
	}
	for i, p := range parts {
		if !strings.HasPrefix(p.Name, "ledger/") {
			continue
		}
		var l bundle.Log
		if err := json.Unmarshal(p.Body, &l); err != nil {
			t.Fatal(err)
		}
		head := func(h *bundle.Head) {
			if l.Office {
				h.Signature = ed25519.Sign(private, changelog.PushMessage(l.Device, l.Epoch, h.Last, changelog.Hash(h.Head), h.Boot, h.Mono, h.Wall))
			}
		}
		for r := range l.Runs {
			if l.Runs[r].Before != nil {
				head(l.Runs[r].Before)
			}
			for b := range l.Runs[r].Batches {
				one := &l.Runs[r].Batches[b]
				head(&one.Head)
				if !l.Office {
					one.Receipt = receipt(t, stranger, parts, &l, one)
				}
			}
		}
		if parts[i].Body, err = json.Marshal(l); err != nil {
			t.Fatal(err)
		}
	}
	all := forge(t, stranger, parts, nil)
	if v := check(t, all, nil); v.State != bundle.Unanchored || v.Fingerprint == bundle.Fingerprint(keys().Public()[0].PublicKey) {
		t.Errorf("all is a stranger's: %+v", v)
	}
	if v := check(t, all, fingerprint(t)); v.State != bundle.Broken || !strings.Contains(v.Findings[0].What.EN, "another key") {
		t.Errorf("all is a stranger's, and the true key is known: %+v", v)
	}
}

func receipt(t *testing.T, k *auth.Keys, parts []bundle.Part, l *bundle.Log, b *bundle.Batch) string {
	t.Helper()
	var m bundle.Manifest
	for _, p := range parts {
		if p.Name == "manifest.json" {
			if err := json.Unmarshal(p.Body, &m); err != nil {
				t.Fatal(err)
			}
		}
	}
	jws, err := k.SignJWS(syncproto.LogReceipt{History: m.History, Device: l.Device, Epoch: l.Epoch, Acked: b.Last, Head: hex.EncodeToString(b.Head.Head), At: b.ReceivedAt})
	if err != nil {
		t.Fatal(err)
	}
	return jws
}

// serverCannotLie seals lies with the server's own key: what the phones
// signed still tells.
func serverCannotLie(t *testing.T, raw []byte) {
	t.Helper()
	parts, err := bundle.Parts(raw)
	if err != nil {
		t.Fatal(err)
	}
	phone := slices.IndexFunc(parts, func(p bundle.Part) bool {
		return strings.HasPrefix(p.Name, "ledger/") && bytes.Contains(p.Body, []byte(`"office":false`))
	})
	altered := func(change func(*bundle.Log)) []bundle.Part {
		out := slices.Clone(parts)
		var l bundle.Log
		if err := json.Unmarshal(out[phone].Body, &l); err != nil {
			t.Fatal(err)
		}
		change(&l)
		if out[phone].Body, err = json.Marshal(l); err != nil {
			t.Fatal(err)
		}
		return out
	}
	for name, b := range map[string][]byte{
		"a change altered":   forge(t, keys(), altered(func(l *bundle.Log) { c := l.Runs[0].Batches[0].Changes[2].Bytes; c[len(c)-1] ^= 1 }), nil),
		"a time of receipt":  forge(t, keys(), altered(func(l *bundle.Log) { l.Runs[0].Batches[0].ReceivedAt-- }), nil),
		"a phone's key":      forge(t, keys(), parts, func(m *bundle.Manifest) { m.Devices[0].PublicKey = bytes.Repeat([]byte{1}, 32) }),
		"a phone's owner":    forge(t, keys(), parts, func(m *bundle.Manifest) { m.Devices[0].Person = m.MadeBy.ID }),
		"who took a photo":   forge(t, keys(), parts, func(m *bundle.Manifest) { m.Files[0].Named[0].By = m.MadeBy.ID }),
		"when it was taken":  forge(t, keys(), parts, func(m *bundle.Manifest) { m.Files[0].Named[0].Wall++ }),
		"two photos swapped": forge(t, keys(), parts, func(m *bundle.Manifest) { m.Files[0].Named, m.Files[1].Named = m.Files[1].Named, m.Files[0].Named }),
		"a photo unlisted":   forge(t, keys(), parts, func(m *bundle.Manifest) { m.Files = m.Files[1:] }),
	} {
		if v := check(t, b, fingerprint(t)); v.State != bundle.Broken || v.Findings[0].At != 0 || v.MadeAt == 0 {
			t.Errorf("%s: %+v", name, v)
		}
	}
}
