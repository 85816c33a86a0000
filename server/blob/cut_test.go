package blob_test

import (
	"crypto/sha256"
	"io"
	"net/http"
	"os"
	"testing"

	"siteledger/syncproto"
)

// TestCutCopyCountsAsGone: a stored copy that lost its end on the disk is not
// handed out while another one is whole, gets no receipt again, and is asked for.
func TestCutCopyCountsAsGone(t *testing.T) {
	s := open(t)
	body := photo(1, 5000)
	sha := sha256.Sum256(body)
	s.store1(s.a, body)
	s.store1(s.b, body)
	if err := os.Truncate(s.file(s.a, body), 4999); err != nil {
		t.Fatal(err)
	}
	s.mem.visible[s.b.Person.String()+string(sha[:])] = true
	link, err := s.svc.PresignGet(s.ctx, s.b, sha)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.Get(link)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if got, err := io.ReadAll(resp.Body); err != nil || len(got) != len(body) {
		t.Errorf("%d of %d bytes, %v", len(got), len(body), err)
	}
	s.wantCommit(s.a, body, syncproto.BlobAbsent)
	if err := os.Truncate(s.file(s.b, body), 4999); err != nil {
		t.Fatal(err)
	}
	_, err = s.svc.PresignGet(s.ctx, s.b, sha)
	wantCode(t, err, syncproto.NotFound)
	s.upload(s.planPhoto(s.a, body, "put"), body)
	s.commit(s.a, body)
}
