package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"crypto/sha256"
	"encoding/hex"

	"siteledger/syncproto"
)

// what is wrong with the photo storage.
const (
	storageWell = iota
	storageDown // connections end without an answer
	storageSlow // 1 kB a second, both ways
	storageFails
	storageHalf  // a body is read by half, an answer given by half, then the end
	storageLies  // an upload is answered 200 and its bytes are altered
	storageEmpty // an upload is answered 200 and is not there
	storageKinds
)

func storageName(kind int32) string {
	return [storageKinds]string{"well", "down", "slow", "failing", "cut in the middle", "altering", "forgetting"}[kind]
}

// badStorage is a photo storage that can be ill.
type badStorage struct {
	next http.Handler
	root string // folder of its bucket's parent
	kind atomic.Int32
}

func (s *badStorage) front(next http.Handler) http.Handler {
	s.next = next
	return s
}

// ServeHTTP implements [http.Handler].
func (s *badStorage) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	photo := !strings.Contains(r.URL.Path, "/ledger/")
	switch kind := s.kind.Load(); {
	case kind == storageDown:
		panic(http.ErrAbortHandler)
	case kind == storageFails:
		http.Error(w, "InternalError", http.StatusInternalServerError)
	case kind == storageSlow && photo:
		r.Body = &drip{ReadCloser: r.Body}
		s.next.ServeHTTP(&dripWriter{ResponseWriter: w}, r)
	case kind == storageHalf && photo:
		if r.Method == http.MethodPut {
			_, _ = io.CopyN(io.Discard, r.Body, r.ContentLength/2)
			panic(http.ErrAbortHandler)
		}
		s.next.ServeHTTP(&halfWriter{ResponseWriter: w, left: 300}, r)
		panic(http.ErrAbortHandler)
	case kind == storageLies && photo && r.Method == http.MethodPut:
		said := &status{ResponseWriter: w, code: http.StatusOK}
		s.next.ServeHTTP(said, r)
		if said.code/100 == 2 {
			_ = alter(filepath.Join(s.root, filepath.FromSlash(r.URL.Path)))
		}
	case kind == storageEmpty && photo && r.Method == http.MethodPut:
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusOK)
	default:
		s.next.ServeHTTP(w, r)
	}
}

// alter changes one byte of an object on the storage's disk.
func alter(name string) error {
	b, err := os.ReadFile(name)
	if err != nil || len(b) == 0 {
		return err
	}
	b[len(b)/2] ^= 1
	return os.WriteFile(name, b, 0o644)
}

const dripBytes, dripEvery = 100, 100 * time.Millisecond

type drip struct{ io.ReadCloser }

// Read implements [io.Reader].
func (d *drip) Read(p []byte) (int, error) {
	time.Sleep(dripEvery)
	return d.ReadCloser.Read(p[:min(len(p), dripBytes)])
}

type dripWriter struct{ http.ResponseWriter }

// Write implements [io.Writer].
func (d *dripWriter) Write(p []byte) (n int, err error) {
	for len(p) > 0 && err == nil {
		var k int
		k, err = d.ResponseWriter.Write(p[:min(len(p), dripBytes)])
		n, p = n+k, p[k:]
		_ = http.NewResponseController(d.ResponseWriter).Flush()
		time.Sleep(dripEvery)
	}
	return n, err
}

type halfWriter struct {
	http.ResponseWriter
	left int
}

// Write implements [io.Writer].
func (h *halfWriter) Write(p []byte) (int, error) {
	k := min(len(p), h.left)
	h.left -= k
	n, err := h.ResponseWriter.Write(p[:k])
	if err == nil && k < len(p) {
		err = io.ErrShortWrite
	}
	return n, err
}

// storageFaults makes the photo storage ill in each way while photos and
// records arrive: records go on, no photo counts as stored that is not, and
// when it is well again all arrive, each once.
func (b *bench) storageFaults(ctx context.Context, t *tally, photos int) error {
	r := b.random(t.name)
	bad := &badStorage{}
	h, err := b.plainHouse(bad.front)
	if err != nil {
		return err
	}
	defer h.close()
	bad.root = filepath.Dir(h.photos)
	s, err := h.serve(ctx)
	if err != nil {
		return err
	}
	logs := b.fresh()
	c := gather(ctx, logs[1:], r, 1, always(s.url))
	defer c.stop()
	var all []*object
	for kind := int32(storageDown); kind < storageKinds; kind++ {
		bad.kind.Store(kind)
		for range photos {
			o, err := newObject(r)
			if err != nil {
				return err
			}
			all = append(all, o)
			h.sendIll(ctx, s.url, logs[0], o, kind, t)
		}
		if !c.until(ctx, 5, t) {
			t.find("records stand still while the storage is %s; the server says: %s", storageName(kind), s.tail)
		}
		t.errors++
		bad.kind.Store(storageWell)
		if kind%2 == 0 { // some heal at once, some at the end
			h.heal(ctx, s.url, logs[0], all, t)
		}
	}
	h.heal(ctx, s.url, logs[0], all, t)
	c.until(ctx, 5, t)
	c.end(t)
	t.count(logs, all)
	t.note("longest time without an acknowledgement of records %d ms, %d pushes told to come back", c.gap.Milliseconds(), c.later)
	if c.gap > 2*time.Second || c.later+c.broken > 0 {
		t.find("records had to wait for the photo storage: %s, %d told to come back, %d without an answer", c.gap, c.later, c.broken)
	}
	h.onePerPhoto(all, t)
	again(ctx, s.url, logs[1:], t)
	if err := s.terminate(); err != nil {
		t.find("stop: %v", err)
	}
	h.verify(ctx, t)
	return checkLedger(ctx, h.data, logs[1:], t)
}

// plainHouse is an installation on a data folder, with a storage of its own.
func (b *bench) plainHouse(front func(http.Handler) http.Handler) (*house, error) {
	h := &house{b: b, front: front}
	var err error
	if h.data, err = b.copyOf(b.serverData, "storage"); err != nil {
		return nil, err
	}
	return h, h.openStorage()
}

// sendIll tries to bring a photo to an ill storage, and then claims that it is
// there. A receipt is given only for what is there.
func (h *house) sendIll(ctx context.Context, url string, d *device, o *object, kind int32, t *tally) {
	err := d.upload(ctx, url, o)
	var r *refused
	if errors.As(err, &r) && r.status/100 == 4 && r.status != http.StatusConflict && r.status != http.StatusUnprocessableEntity && r.status != http.StatusTooManyRequests && r.status != http.StatusNotFound {
		t.find("storage %s: told as the phone's own mistake: %v", storageName(kind), err)
	}
	if !o.verified {
		var c syncproto.CommitAnswer
		if err := d.json(ctx, url+syncproto.PathBlobCommit, syncproto.CommitRequest{SHA256: hex.EncodeToString(o.sha[:])}, &c); err == nil && c.Receipt != "" {
			o.verified = true
		}
	}
	if o.verified && !h.there(o) {
		t.lose("storage %s: a receipt for a photo that is not there", storageName(kind))
	}
	if o.verified && kind != storageSlow {
		t.find("storage %s: a receipt was given", storageName(kind))
	}
}

// there looks whether the storage's disk has a photo's very bytes.
func (h *house) there(o *object) bool {
	b, err := os.ReadFile(filepath.Join(filepath.Dir(h.photos), filepath.FromSlash(o.key)))
	return err == nil && sha256.Sum256(b) == o.sha
}

// heal brings in all photos. The second try is for those whose altered bytes
// the first has found out.
func (h *house) heal(ctx context.Context, url string, d *device, all []*object, t *tally) {
	var failed error
	for range 2 {
		failed = nil
		for _, o := range all {
			if o.verified {
				continue
			}
			err := d.upload(ctx, url, o)
			if err == nil && (!o.verified || !h.there(o)) {
				err = fmt.Errorf("verified %v, there %v", o.verified, h.there(o))
			}
			failed = errors.Join(failed, err)
		}
	}
	if failed != nil {
		t.find("the storage is well again and photos do not arrive: %v", failed)
	}
}

// onePerPhoto wants each photo in the bucket once, and nothing else.
func (h *house) onePerPhoto(all []*object, t *tally) {
	want := map[string]bool{}
	for _, o := range all {
		if !h.there(o) {
			t.lose("photo %x is not there", o.sha)
		}
		want[filepath.Base(o.key)] = true
	}
	n := 0
	err := filepath.WalkDir(h.photos, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		if rel, _ := filepath.Rel(h.photos, path); !strings.HasPrefix(rel, "ledger"+string(filepath.Separator)) {
			n++
		}
		return nil
	})
	if err != nil || n != len(all) {
		t.find("%d objects for %d photos, %v", n, len(all), err)
	}
}
