package bundle_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"siteledger/server/blob"
	"siteledger/server/bundle"
	"siteledger/server/fault"
	"siteledger/server/office"
	"siteledger/server/office/benchtest"
	"siteledger/syncproto"
)

func note(w *benchtest.World, s *benchtest.Story, text string) map[string]any {
	return map[string]any{"job": s.Job[:], "kind": "note", "text": text, "at": w.Now.UnixMilli(), "author": s.Phone.Device.Person[:]}
}

// TestForkedChain: a phone was restored from a copy and its log went on in two
// ways. Both ways are in the bundle, each chain whole and signed, with the case;
// neither's changes can be put into the other.
func TestForkedChain(t *testing.T) {
	w := benchtest.Open(t)
	d := newDesk(t, w)
	s := w.Finished()
	w.ArriveAll(s)
	twin, common := s.Phone.Twin(), s.Phone.Recorded()
	s.Phone.Record(benchtest.Insert("note", benchtest.NewID(), note(w, s, "原来那部手机记的")))
	s.Phone.Push()
	twin.Record(benchtest.Insert("note", benchtest.NewID(), note(w, s, "从备份恢复之后记的")))
	if _, err := twin.TryPush(); fault.CodeOf(err) != syncproto.LogForked {
		t.Fatalf("a forked log: %v", err)
	}
	twin.Rerecord(common)
	twin.Push()
	raw := d.bundle(bundle.Subject{Centre: w.Centre, Job: s.Job})
	page, manifest := texts(t, raw)
	wants(t, "the page", page, "原来那部手机记的", "从备份恢复之后记的")
	wants(t, "the manifest", manifest, `"kind": "fork"`)
	v := check(t, raw, fingerprint(t))
	if v.Logs < 3 {
		t.Errorf("%d logs, want both epochs of the phone and the office's", v.Logs)
	}
	parts, err := bundle.Parts(raw)
	if err != nil {
		t.Fatal(err)
	}
	var logs []int
	for i, p := range parts {
		if strings.HasPrefix(p.Name, "ledger/"+s.Phone.Device.ID.String()) {
			logs = append(logs, i)
		}
	}
	if len(logs) != 2 {
		t.Fatalf("%d logs of the phone", len(logs))
	}
	a, b := logs[0], logs[1]
	parts[a].Body, parts[b].Body = parts[b].Body, parts[a].Body
	if v := check(t, forge(t, keys(), parts, func(*bundle.Manifest) {}), fingerprint(t)); v.State != bundle.Broken {
		t.Errorf("one way of the log in place of the other: %+v", v)
	}
}

// TestAcrossSchemaVersions: the phone's app grew from version 1 to 3 in the
// middle of the job, and once wrote a column that this build does not know.
// Every change stands in the chain with its own bytes.
func TestAcrossSchemaVersions(t *testing.T) {
	w := benchtest.Open(t)
	d := newDesk(t, w)
	s := w.Finished()
	w.ArriveAll(s)
	for i, cols := range []map[string]any{{}, {"sharpness": int64(321)}, {"kept_reason": "客户赶时间"}} {
		s.Phone.Upgrade(uint64(i) + 1)
		p := map[string]any{"job": s.Job[:], "defect": s.Defect[:], "role": "close", "original": benchtest.Sum("later"), "original_size": int64(5), "original_type": "image/jpeg", "taken_at": w.Now.UnixMilli()}
		for k, v := range cols {
			p[k] = v
		}
		s.Phone.Record(benchtest.Insert("photo", benchtest.NewID(), p))
	}
	s.Phone.Upgrade(99)
	tomorrow := note(w, s, "明天的版本写的")
	tomorrow["mood"] = "天气好"
	s.Phone.Record(benchtest.Insert("note", benchtest.NewID(), tomorrow))
	s.Phone.Push()
	raw := d.bundle(bundle.Subject{Centre: w.Centre, Job: s.Job})
	page, _ := texts(t, raw)
	wants(t, "the page", page, "321", "客户赶时间", "明天的版本写的")
	bad := bytes.Replace(raw, []byte(`"schema": `), []byte(`"schema":  `), 1)
	if v := check(t, bad, fingerprint(t)); v.State != bundle.Broken {
		t.Errorf("%+v", v)
	}
}

// TestMissingAndLostPhotos: a photo that never came and one that the storage
// has lost are named as what they are; the rest is still proof.
func TestMissingAndLostPhotos(t *testing.T) {
	w := benchtest.Open(t)
	d := newDesk(t, w)
	s := w.Finished()
	never := d.bundle(bundle.Subject{Centre: w.Centre, Job: s.Job})
	v := check(t, never, fingerprint(t))
	if v.State != bundle.Verified || v.Attachments != 0 || v.Absent == 0 {
		t.Fatalf("%+v", v)
	}
	w.ArriveAll(s)
	delete(d.shelf, [32]byte(s.CloseSum))
	raw := d.bundle(bundle.Subject{Centre: w.Centre, Job: s.Job})
	v = check(t, raw, fingerprint(t))
	if v.State != bundle.Verified || v.Absent != 1 || v.Attachments != 5 {
		t.Fatalf("%+v", v)
	}
	page, manifest := texts(t, raw)
	wants(t, "the page", page, "存储中已找不到")
	wants(t, "the manifest", manifest, `"lost": true`)
	parts, err := bundle.Parts(raw)
	if err != nil {
		t.Fatal(err)
	}
	hidden := forge(t, keys(), parts, func(m *bundle.Manifest) { m.Absent = nil })
	if v := check(t, hidden, fingerprint(t)); v.State != bundle.Broken {
		t.Errorf("that a photo is missing can be hidden: %+v", v)
	}
}

// TestDrawingsAndMarksAreEvidence: what the offices keep about a defect is in
// the bundle; headquarters' bundle of the defect has neither the customer's form
// nor the money.
func TestDrawingsAndMarksAreEvidence(t *testing.T) {
	w := benchtest.Open(t)
	d := newDesk(t, w)
	s := w.Finished()
	w.ArriveAll(s)
	d.shelf.put("drawing")
	drawing := benchtest.Sum("drawing")
	if err := w.Bench.Attach(context.Background(), w.Clerk, w.Centre, office.Annex{Defect: s.Defect, Name: "台面.dwg", SHA: [32]byte(drawing), Size: 7, Type: "image/vnd.dwg", ActualSize: true}); err != nil {
		t.Fatal(err)
	}
	w.Arrive(s.Phone.Device.ID, drawing)
	if err := w.Bench.Mark(context.Background(), w.Adjudicator, w.Centre, s.Defect, s.Full, `[{"k":"box","p":[0.1,0.2,0.3,0.4]}]`); err != nil {
		t.Fatal(err)
	}
	if err := w.Bench.File(context.Background(), w.Clerk, w.Centre, form(s)); err != nil {
		t.Fatal(err)
	}
	whole, _ := texts(t, d.bundle(bundle.Subject{Centre: w.Centre, Job: s.Job}))
	wants(t, "the page", whole, "台面.dwg", "0.1,0.2,0.3,0.4", "填写 change_content")
	one, _ := texts(t, d.bundle(bundle.Subject{Centre: w.Centre, Job: s.Job, Defect: s.Defect}))
	wants(t, "the page of a defect", one, "台面.dwg", "0.1,0.2,0.3,0.4")
	if strings.Contains(one, "填写 customer") {
		t.Error("headquarters' bundle has the customer's form")
	}
}

func form(s *benchtest.Story) office.Leftover {
	in := office.Leftover{Defect: s.Defect, Class: "hq", Texts: map[string]string{}, Times: map[string]int64{"order_time": 1_790_000_000_000, "delivery_date": 1_791_000_000_000}}
	for _, name := range office.LeftoverColumns() {
		if name != "order_time" && name != "delivery_date" {
			in.Texts[name] = "填写 " + name
		}
	}
	return in
}

// big is a storage whose every file is huge, and made up while it is read.
type big struct{ size int64 }

func (b big) Open(context.Context, uuid.UUID, [32]byte) (io.ReadSeekCloser, blob.Info, error) {
	return zeros{io.NewSectionReader(nothing{}, 0, b.size)}, blob.Info{Size: b.size, Type: "image/jpeg"}, nil
}

type zeros struct{ *io.SectionReader }

func (zeros) Close() error { return nil }

type nothing struct{}

func (nothing) ReadAt(p []byte, _ int64) (int, error) {
	clear(p)
	return len(p), nil
}

// TestHugeFilesAreStreamed writes six files of 24 MB and checks them again:
// neither end holds a file in memory.
func TestHugeFilesAreStreamed(t *testing.T) {
	w := benchtest.Open(t)
	s := w.Finished()
	w.ArriveAll(s)
	m := newMaker(t, w, big{24 << 20})
	b, err := m.Prepare(context.Background(), bundle.Subject{Centre: w.Centre, Job: s.Job}, bundle.Person{ID: w.Supervisor.Person})
	if err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	r, pipe := io.Pipe()
	go func() { pipe.CloseWithError(b.Write(context.Background(), pipe)) }()
	v, err := bundle.Check(r, fingerprint(t))
	if err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if v.State != bundle.Broken || v.Attachments != 6 || !slices.ContainsFunc(v.Findings, func(f bundle.Finding) bool { return strings.Contains(f.What.EN, "storage") }) {
		t.Errorf("%+v", v)
	}
	if n := (after.TotalAlloc - before.TotalAlloc) >> 20; n > 320 {
		t.Errorf("144 MB of files cost %d MB of allocations", n)
	}
	if n := int64(after.HeapSys-before.HeapSys) >> 20; n > 64 {
		t.Errorf("144 MB of files grew the heap by %d MB", n)
	}
}

// records says that every copy of a file is huge.
type records struct {
	bundle.Records
	size int64
}

func (r records) BlobCopies(ctx context.Context, centre uuid.UUID, sha [32]byte) ([]blob.Upload, error) {
	all, err := r.Records.BlobCopies(ctx, centre, sha)
	for i := range all {
		all[i].Size = r.size
	}
	return all, err
}

// TestTooLargeIsRefusedAtOnce: a bundle over the limits is refused with its
// size before a byte of it is sent.
func TestTooLargeIsRefusedAtOnce(t *testing.T) {
	w := benchtest.Open(t)
	s := w.Finished()
	w.ArriveAll(s)
	m := newMaker(t, w, big{1})
	m.Records = records{w.Store, 400 << 20}
	_, err := m.Prepare(context.Background(), bundle.Subject{Centre: w.Centre, Job: s.Job}, bundle.Person{ID: w.Supervisor.Person})
	if !errors.Is(err, bundle.ErrTooLarge) || fault.CodeOf(err) != fault.Invalid || !strings.Contains(err.Error(), "6") {
		t.Fatalf("%v", err)
	}
}

// TestStaffSignatureIsTold: the page says how the drawn signature on a leftover
// order stands: missing, signed by whom, when and over which digest, broken by
// which change, given again (SF-06). Headquarters' bundle of the defect says so
// too, without what was signed.
func TestStaffSignatureIsTold(t *testing.T) {
	w := benchtest.Open(t)
	d := newDesk(t, w)
	s := w.Finished()
	w.ArriveAll(s)
	ctx := context.Background()
	pages := func() (string, string) {
		whole, _ := texts(t, d.bundle(bundle.Subject{Centre: w.Centre, Job: s.Job}))
		one, _ := texts(t, d.bundle(bundle.Subject{Centre: w.Centre, Job: s.Job, Defect: s.Defect}))
		return whole, one
	}
	sign := func(name, strokes string) string {
		t.Helper()
		order, err := w.Bench.SignedLeftover(ctx, w.Centre, w.Row("defect", s.Defect))
		if err != nil {
			t.Fatal(err)
		}
		in := office.StaffSignature{Defect: s.Defect, Shown: order.Shown, Signer: "store", Name: name, Strokes: strokes}
		picture, err := w.Bench.StaffPicture(ctx, w.Clerk, w.Centre, in)
		if err != nil {
			t.Fatal(err)
		}
		sha := sha256.Sum256(picture)
		d.shelf[sha] = picture
		w.Arrive(s.Phone.Device.ID, sha[:])
		if err := w.Bench.SignLeftover(ctx, w.Clerk, w.Centre, in, sha); err != nil {
			t.Fatal(err)
		}
		return order.Shown
	}
	if whole, _ := pages(); strings.Contains(whole, "遗留问题处理单的亲笔签名") {
		t.Error("nobody filed an order, and the page tells of its signatures")
	}
	in := form(s)
	if err := w.Bench.File(ctx, w.Clerk, w.Centre, in); err != nil {
		t.Fatal(err)
	}
	whole, one := pages()
	for _, page := range []string{whole, one} {
		wants(t, "the page", page, "没有亲笔签名,不算提交", "No drawn signature: not submitted")
	}
	digest := sign("陈店长", "1|360|100 200 0 20 -30 16 20 -30 16 30 60 16 40 -20 18 30 30 16|400 100 200 10 80 16 10 60 16 40 -30 16")
	at := time.UnixMilli(w.Now.UnixMilli()).In(time.FixedZone("UTC+8", 8*3600)).Format("2006-01-02 15:04:05")
	whole, one = pages()
	for _, page := range []string{whole, one} {
		wants(t, "the page", page, "已签,已提交", "陈店长", digest, at, "有效:所签内容与现在的记录一致")
	}
	if !strings.Contains(whole, "修改及重做内容 Change or remake: 填写 change_content") || strings.Contains(one, "填写 change_content") {
		t.Error("what was signed is not in the job's page, or it is in that of the defect")
	}
	rows, err := w.Store.StateRows(ctx, w.Centre, "leftover_order", "defect", s.Defect)
	if err != nil || len(rows) != 1 {
		t.Fatal(rows, err)
	}
	in.Base, in.Texts["change_content"] = rows[0].Rev, "改成重做整组"
	if err := w.Bench.File(ctx, w.Clerk, w.Centre, in); err != nil {
		t.Fatal(err)
	}
	whole, one = pages()
	for _, page := range []string{whole, one} {
		wants(t, "the page", page, "签名已失效,未重签,不算提交", "已失效,需重签", digest)
	}
	wants(t, "the page", whole, "<del><bdi>填写 change_content</bdi></del> → <bdi>改成重做整组</bdi>")
	again := sign("李设计", "1|360|120 220 0 20 -30 16 20 -30 16 30 60 16 40 -20 18 30 30 16|420 110 200 10 80 16 10 60 16 40 -30 16")
	whole, _ = pages()
	wants(t, "the page", whole, "已签,已提交", "陈店长", "李设计", digest, again)
	check(t, d.bundle(bundle.Subject{Centre: w.Centre, Job: s.Job}), fingerprint(t))
}
