package blob_test

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/google/uuid"

	"siteledger/server/blob"
	"siteledger/server/fault"
	"siteledger/syncproto"
)

// A drawing that comes in at a desk is stored, read back and present like a
// phone's photo; what is none, by its bytes, has no way in.
func TestKeepFromADesk(t *testing.T) {
	s := open(t)
	person := uuid.New()
	drawing := []byte("AC1032" + strings.Repeat("x", 5000))
	for range 2 { // the same bytes again change nothing
		sha, size, err := s.svc.Keep(s.ctx, s.a.Centre, person, syncproto.PurposeDocument, "image/vnd.dwg", bytes.NewReader(drawing))
		if err != nil || size != int64(len(drawing)) {
			t.Fatal(size, err)
		}
		r, info, err := s.svc.Open(s.ctx, s.a.Centre, sha)
		if err != nil || info.Type != "image/vnd.dwg" {
			t.Fatal(info, err)
		}
		got, err := io.ReadAll(r)
		r.Close()
		if err != nil || !bytes.Equal(got, drawing) {
			t.Fatalf("%d bytes come back, %v", len(got), err)
		}
		up, ok, err := s.mem.BlobUpload(s.ctx, s.a.Centre, blob.DeskDevice(s.a.Centre), sha)
		if err != nil || !ok || !up.Stored() || up.Person != person || up.Receipt == "" {
			t.Fatalf("%v %v %v", ok, up, err)
		}
	}
	for name, c := range map[string]struct{ typ, bytes string }{
		"a page that is called a drawing": {"image/vnd.dwg", "<html><script>x</script>"},
		"a page that is called a dxf":     {"image/vnd.dxf", "0\nSECTION\n<script>"},
		"a type that is not taken":        {"text/html", "<html>"},
		"nothing":                         {"application/pdf", ""},
	} {
		sha, _, err := s.svc.Keep(s.ctx, s.a.Centre, person, syncproto.PurposeDocument, c.typ, strings.NewReader(c.bytes))
		if err == nil {
			t.Errorf("%s was kept", name)
		}
		if _, _, err := s.svc.Open(s.ctx, s.a.Centre, sha); fault.CodeOf(err) != syncproto.NotFound {
			t.Errorf("%s is there: %v", name, err)
		}
	}
}
