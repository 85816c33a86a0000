package clientsdk_test

import (
	"context"
	"encoding/hex"
	"errors"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/google/uuid"

	clientsdk "siteledger/client-sdk"
	"siteledger/syncproto"
	"siteledger/syncproto/prototest"
)

// oneBlob is a phone with one photo in a state of the blobs' table.
type oneBlob struct {
	*desk
	c   *clientsdk.Client
	dir string
	job uuid.UUID
	a   clientsdk.Attachment
}

func (b *oneBlob) hash() string { return hex.EncodeToString(b.a.SHA256[:]) }

// state is where the photo stands; "" where the phone does not know it.
func (b *oneBlob) state() clientsdk.UploadState { return b.uploads(b.c)[b.hash()].State }

// refuse gives all requests to a path an answer.
func (b *oneBlob) refuse(path string, give func() (*http.Response, error)) {
	b.s.set(func() {
		b.s.hook = func(r *http.Request) (*http.Response, error) {
			if r.URL.Path != path && !(path == "store" && r.URL.Host == "store.test") {
				return nil, nil
			}
			return give()
		}
	})
}

func (b *oneBlob) heal() { b.s.set(func() { b.s.hook, b.s.after = nil, nil }) }

// tries does a round whose failure is no surprise.
func (b *oneBlob) tries() {
	_, _ = b.c.Sync(b.t.Context())
}

func inBlobState(t *testing.T, state string) *oneBlob {
	t.Helper()
	b := &oneBlob{desk: newDesk(t)}
	b.c, b.dir, b.job = b.enrolled()
	b.a = b.attach(b.c, syncproto.PurposePhoto, "the photo")
	if state == "stored" {
		return b
	}
	if err := b.name(b.c, b.job, b.a); err != nil {
		t.Fatal(err)
	}
	switch state {
	case "uploading": // the app was ended in the midst of it
		ctx, stop := context.WithCancel(t.Context())
		b.refuse("store", func() (*http.Response, error) { stop(); return nil, ctx.Err() })
		if _, err := b.c.Sync(ctx); !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
	case "verified":
		b.sync(b.c)
	case "attention":
		b.refuse(syncproto.PathBlobPlan, refusal(422, "blob-type"))
		b.tries()
	}
	b.heal()
	if string(b.state()) != state {
		t.Fatalf("the photo is %s, want %s", b.state(), state)
	}
	return b
}

// is wants a state, and a timer where it waits by one.
func (b *oneBlob) is(want clientsdk.UploadState, timer bool) {
	b.t.Helper()
	u := b.uploads(b.c)[b.hash()]
	if u.State != want || timer != u.NextTry.After(b.now()) {
		b.t.Errorf("the photo is %q until %s (%s), want %q, waiting %v", u.State, u.NextTry, u.Reason, want, timer)
	}
}

// arrives: whatever happened, by its timer it gets there.
func (b *oneBlob) arrives() {
	b.t.Helper()
	b.heal()
	b.pass(2 * time.Hour)
	b.sync(b.c)
	b.is(clientsdk.Verified, false)
	if !b.s.blobs[b.hash()].stored {
		b.t.Error("the server does not have it")
	}
}

type blobPlay func(b *oneBlob)

// blobFails fails each try of the photo in one way.
func blobFails(path string, give func() (*http.Response, error), ends clientsdk.UploadState) blobPlay {
	return func(b *oneBlob) {
		b.pass(2 * time.Hour) // a wait that ran is over
		b.refuse(path, give)
		b.tries()
		b.is(ends, true)
		b.arrives()
	}
}

func blobPlays() map[string]map[string]blobPlay {
	stays := func(do func(b *oneBlob)) blobPlay {
		return func(b *oneBlob) {
			before := b.state()
			if do(b); b.state() != before {
				b.t.Errorf("%s became %s", before, b.state())
			}
		}
	}
	named := func(b *oneBlob) {
		if err := b.name(b.c, b.job, b.a); err != nil {
			b.t.Error(err)
		}
	}
	kept := stays(func(b *oneBlob) { wantCode(b.t, b.c.Discard(b.t.Context(), b.a.SHA256), clientsdk.CodeBlobNamed) })
	restart := stays(func(b *oneBlob) {
		if err := b.c.Close(); err != nil {
			b.t.Error(err)
		}
		b.c = b.phone(b.dir)
	})
	goes := func(b *oneBlob) { b.arrives() }
	history := func(want clientsdk.UploadState) blobPlay {
		return func(b *oneBlob) {
			id, _ := b.c.Identity()
			b.s.restore(map[uuid.UUID]int{id.Epoch: 0})
			b.refuse(syncproto.PathBlobPlan, func() (*http.Response, error) { return nil, errCut })
			b.tries()
			if got := b.state(); got != want {
				b.t.Errorf("it is %s, want %s", got, want)
			}
			if want != clientsdk.Stored {
				b.arrives()
			}
		}
	}
	wanted := func(b *oneBlob) { // without time passing
		b.s.set(func() {
			if f := b.s.blobs[b.hash()]; f != nil {
				f.stored, f.bytes = false, nil
			}
		})
		b.s.order(syncproto.KindUpload, map[string]any{"sha256": b.hash()})
		b.sync(b.c)
		b.is(clientsdk.Verified, false)
		if !b.s.blobs[b.hash()].stored {
			b.t.Error("the server does not have it")
		}
	}
	cut := func() (*http.Response, error) { return nil, errCut }
	misfit := func() (*http.Response, error) {
		return answer(200, "application/json", `{"sha256":"`+hex.EncodeToString(make([]byte, 32))+`","size":1,"receipt":"x.y.z"}`), nil
	}
	three := func(play func(state string) blobPlay) map[string]blobPlay {
		return map[string]blobPlay{"queued": play("queued"), "uploading": play("uploading"), "attention": play("attention")}
	}
	failing := func(path string, give func() (*http.Response, error)) map[string]blobPlay {
		return three(func(state string) blobPlay {
			if state == "attention" {
				return blobFails(path, give, clientsdk.Attention)
			}
			return blobFails(path, give, clientsdk.Queued)
		})
	}
	needing := func(path string, give func() (*http.Response, error)) map[string]blobPlay {
		return three(func(string) blobPlay { return blobFails(path, give, clientsdk.Attention) })
	}
	return map[string]map[string]blobPlay{
		"a row names it": {"stored": func(b *oneBlob) { named(b); b.is(clientsdk.Queued, false); b.arrives() },
			"queued": stays(named), "uploading": stays(named), "verified": stays(named), "attention": stays(named)},
		"discarded by the technician": {"stored": func(b *oneBlob) {
			if err := b.c.Discard(b.t.Context(), b.a.SHA256); err != nil || b.state() != "" {
				b.t.Errorf("%v, %q", err, b.state())
			}
			if _, err := os.Stat(fileOf(b.dir, b.a)); !errors.Is(err, os.ErrNotExist) {
				b.t.Errorf("its bytes: %v", err)
			}
		}, "queued": kept, "uploading": kept, "verified": kept, "attention": kept},
		"plan, upload and commit go well":                                              {"queued": goes, "uploading": goes, "attention": goes},
		"no network, a lost answer, a busy server":                                     failing("store", cut),
		"`blob-absent`, `upload-incomplete`, `blob-mismatch`":                          failing(syncproto.PathBlobCommit, refusal(409, "blob-absent")),
		"refused for good (wrong type, too big), or the phone's own bytes are damaged": needing(syncproto.PathBlobPlan, refusal(422, "blob-type")),
		"a receipt that does not fit":                                                  needing(syncproto.PathBlobCommit, misfit),
		"a new history": {"stored": history(clientsdk.Stored), "queued": history(clientsdk.Queued), "uploading": history(clientsdk.Queued),
			"verified": history(clientsdk.Queued), "attention": history(clientsdk.Queued)},
		"the instruction `upload`": {"queued": wanted, "uploading": wanted, "verified": wanted, "attention": wanted},
		"35 days after its receipt": {"verified": func(b *oneBlob) {
			b.pass(36 * 24 * time.Hour)
			b.sync(b.c)
			b.sync(b.c)
			if u := b.uploads(b.c)[b.hash()]; u.State != clientsdk.Verified || u.Local {
				b.t.Errorf("after 36 days: %+v", u)
			}
		}},
		"process restart": {"stored": restart, "queued": restart, "uploading": restart, "verified": restart, "attention": restart},
	}
}

// TestEveryCellOfABlob plays every cell of the table of a blob's states. A cell
// of PROTOCOL.md without a case fails, and so does a case without a cell.
func TestEveryCellOfABlob(t *testing.T) {
	table := prototest.States(t, "../syncproto/PROTOCOL.md", "And each blob, in the phone's photo store", "| event | stored |")
	prototest.Play(t, table, blobPlays(), 35, func(t *testing.T, state string, play blobPlay) {
		play(inBlobState(t, state))
	})
}
