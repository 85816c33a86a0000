package bundle_test

import (
	"archive/zip"
	"bytes"
	"io"
	"strings"
	"testing"

	"siteledger/server/bundle"
	"siteledger/server/office/benchtest"
)

// TestVerified makes a bundle of a whole job and checks it, and reads it with
// the standard library's zip, as any program would.
func TestVerified(t *testing.T) {
	w := benchtest.Open(t)
	d := newDesk(t, w)
	s := w.Finished()
	w.ArriveAll(s)
	raw := d.bundle(bundle.Subject{Centre: w.Centre, Job: s.Job})
	v := check(t, raw, fingerprint(t))
	if v.State != bundle.Verified || v.Attachments != 6 || v.Absent != 0 || v.Logs < 2 || v.Shown < 20 || v.Receipts < 1 {
		t.Fatalf("%+v", v)
	}
	if u := check(t, raw, nil); u.State != bundle.Unanchored || u.Fingerprint != v.Fingerprint {
		t.Fatalf("without a key: %+v", u)
	}
	z, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(r)
		if err != nil {
			t.Fatalf("%s: %v", f.Name, err)
		}
		if f.Name == "index.html" && !strings.Contains(string(body), "S2611040001") {
			t.Error("the page does not name the job")
		}
	}
	again := d.bundle(bundle.Subject{Centre: w.Centre, Job: s.Job})
	if !bytes.Equal(raw, again) {
		t.Error("the same rows at the same time gave other bytes")
	}
}
