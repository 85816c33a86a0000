package bundle_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"siteledger/server/bundle"
	"siteledger/server/fault"
	"siteledger/server/office/benchtest"
	"siteledger/syncproto"
)

// texts gives the page and the manifest of a bundle that must be verified.
func texts(t *testing.T, raw []byte) (page, manifest string) {
	t.Helper()
	if v := check(t, raw, fingerprint(t)); v.State != bundle.Verified {
		t.Fatalf("%+v", v)
	}
	parts, err := bundle.Parts(raw)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range parts {
		switch p.Name {
		case "index.html":
			page = string(p.Body)
		case "manifest.json":
			manifest = string(p.Body)
		}
	}
	return page, manifest
}

func wants(t *testing.T, where, text string, all ...string) {
	t.Helper()
	for _, w := range all {
		if !strings.Contains(text, w) {
			t.Errorf("%s does not say %q", where, w)
		}
	}
}

// TestHeldAndHostile records what is held, denied and meant to break the page;
// all of it is in the bundle, and none of it is markup.
func TestHeldAndHostile(t *testing.T) {
	w := benchtest.Open(t)
	d := newDesk(t, w)
	s := w.Finished()
	evil := `<script>alert(1)</script>"'><img src=x onerror=alert(2)>` + "\u202e"
	s.Phone.Record(benchtest.Insert("note", benchtest.NewID(), map[string]any{"job": s.Job[:], "kind": "note", "text": evil, "at": w.Now.UnixMilli(), "author": s.Phone.Device.Person[:]}))
	s.Phone.Record(benchtest.Insert("note", benchtest.NewID(), map[string]any{"job": s.Job[:], "kind": "no-such-kind", "text": "held " + evil, "at": w.Now.UnixMilli(), "author": s.Phone.Device.Person[:]}))
	s.Phone.Push()
	page, manifest := texts(t, d.bundle(bundle.Subject{Centre: w.Centre, Job: s.Job}))
	wants(t, "the page", page, "&lt;script&gt;", "held &lt;script", "已收下,未生效", "服务器没有的文件")
	wants(t, "the manifest", manifest, `"code": "held"`, `"kind": "held"`, `"kind": "merged"`, benchtest.ByClerk)
	for _, bad := range []string{"<script", "<img src=x", "\u202e", "onerror=alert(2)>\""} {
		if strings.Contains(page, bad) {
			t.Errorf("the page holds %q", bad)
		}
	}
}

// TestRestoredAndRevoked makes bundles across a new history, a
// revoked phone, and a job whose name is no file name.
func TestRestoredAndRevoked(t *testing.T) {
	ctx := context.Background()
	w := benchtest.Open(t)
	d := newDesk(t, w)
	s := w.Finished()
	w.ArriveAll(s)
	if err := w.Ledger.BeginHistory(ctx, w.Centre, benchtest.NewID(), 1<<41); err != nil {
		t.Fatal(err)
	}
	w.Pass(time.Minute)
	w.Write(w.Centre, benchtest.System(), benchtest.Update("device", s.Phone.Device.ID, 0, map[string]any{"revoked_at": w.Now.UnixMilli()}))
	w.Write(w.Centre, benchtest.Author(w.Clerk), benchtest.Update("job", s.Job, 0, map[string]any{"job_no": `a"b/../c` + "\r\nX: y"}))
	b, err := d.made.Prepare(ctx, bundle.Subject{Centre: w.Centre, Job: s.Job}, d.by)
	if err != nil {
		t.Fatal(err)
	}
	if n := b.Name(); !strings.HasPrefix(n, "evidence-abcXy-") || strings.ContainsAny(n, "\"/\r\n ") {
		t.Errorf("file name %q", n)
	}
	page, manifest := texts(t, d.bundle(bundle.Subject{Centre: w.Centre, Job: s.Job}))
	wants(t, "the page", page, "服务器恢复备份", "注销 Revoked")
	wants(t, "the manifest", manifest, `"revoked_at"`)
}

// TestOfOneDefect is what headquarters gets: the defect, no customer.
func TestOfOneDefect(t *testing.T) {
	w := benchtest.Open(t)
	d := newDesk(t, w)
	s := w.Finished()
	w.ArriveAll(s)
	raw := d.bundle(bundle.Subject{Centre: w.Centre, Job: s.Job, Defect: s.Defect})
	page, manifest := texts(t, raw)
	wants(t, "the page", page, "左起第二块门板比旁边偏黄", "S2611040001")
	parts, err := bundle.Parts(raw)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range parts {
		if strings.HasPrefix(p.Name, "attachments/signature") {
			t.Error("the customer's signature is in a bundle for headquarters")
		}
		for _, secret := range []string{benchtest.FirstNumber, benchtest.ByPhone, "幸福里"} {
			if strings.Contains(string(p.Body), secret) {
				t.Errorf("%s holds the customer's %s", p.Name, secret)
			}
		}
	}
	_ = manifest
}

// TestOthersJobs asks for jobs and defects of another centre, and for none.
func TestOthersJobs(t *testing.T) {
	w := benchtest.Open(t)
	d := newDesk(t, w)
	s := w.Finished()
	for name, sub := range map[string]bundle.Subject{
		"another centre":        {Centre: w.Other, Job: s.Job},
		"no such job":           {Centre: w.Centre, Job: uuid.New()},
		"a defect of no job":    {Centre: w.Centre, Job: s.Job, Defect: uuid.New()},
		"a defect of elsewhere": {Centre: w.Other, Job: s.Job, Defect: s.Defect},
	} {
		_, err := d.made.Prepare(context.Background(), sub, d.by)
		var f *fault.Error
		if !errors.As(err, &f) || f.Code != syncproto.NotFound {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestDamagedStorage changes a stored photo: the bundle is made, and the check
// names the photo.
func TestDamagedStorage(t *testing.T) {
	w := benchtest.Open(t)
	d := newDesk(t, w)
	s := w.Finished()
	w.ArriveAll(s)
	d.shelf[[32]byte(s.CloseSum)] = []byte("cl0se")
	v := check(t, d.bundle(bundle.Subject{Centre: w.Centre, Job: s.Job}), fingerprint(t))
	if v.State != bundle.Broken || len(v.Findings) != 1 || !strings.Contains(v.Findings[0].Entry, "attachments/close-") || !strings.Contains(v.Findings[0].What.EN, "storage") {
		t.Fatalf("%+v", v)
	}
}

// TestOtherJobsStayOut has a second job on the same phone: nothing of it is in
// the bundle but digests.
func TestOtherJobsStayOut(t *testing.T) {
	w := benchtest.Open(t)
	d := newDesk(t, w)
	s := w.Finished()
	other := benchtest.NewID()
	w.Write(w.Centre, benchtest.Author(w.Clerk),
		benchtest.Insert("job", other, map[string]any{"kind": "aftersale", "intake_at": w.Now.UnixMilli(), "asked_work": "另一家的事", "warranty": "out", "status": "new"}),
		benchtest.Insert("assignment", benchtest.NewID(), map[string]any{"job": other[:], "person": s.Phone.Device.Person[:], "lead": true, "active": true}))
	s.Phone.Record(benchtest.Insert("note", benchtest.NewID(), map[string]any{"job": other[:], "kind": "note", "text": "另一家的秘密", "at": w.Now.UnixMilli(), "author": s.Phone.Device.Person[:]}))
	s.Phone.Record(benchtest.Insert("note", benchtest.NewID(), map[string]any{"job": s.Job[:], "kind": "note", "text": "本单的备注", "at": w.Now.UnixMilli(), "author": s.Phone.Device.Person[:]}))
	s.Phone.Push()
	raw := d.bundle(bundle.Subject{Centre: w.Centre, Job: s.Job})
	page, _ := texts(t, raw)
	wants(t, "the page", page, "本单的备注")
	parts, err := bundle.Parts(raw)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range parts {
		if strings.Contains(string(p.Body), "另一家") {
			t.Errorf("%s tells of another job", p.Name)
		}
	}
	if v := check(t, raw, nil); v.Hidden == 0 {
		t.Errorf("no digest at all: %+v", v)
	}
}
