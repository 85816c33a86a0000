package e2e

import (
	"bytes"
	"context"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	clientsdk "siteledger/client-sdk"
	"siteledger/server/app"
	"siteledger/server/auth"
	"siteledger/server/office"
	"siteledger/server/report"
	"siteledger/server/web/centre"
	"siteledger/syncproto"
	"siteledger/syncproto/fieldwork"
	"siteledger/syncproto/schema"
)

// desk is a server, its supervisor and a real phone with a job.
type desk struct {
	t        *testing.T
	ctx      context.Context
	a        *app.App
	centre   uuid.UUID
	boss     office.Who
	office   *office.Office
	bench    *office.Bench
	c        *clientsdk.Client
	dir      string
	job      uuid.UUID
	metered  bool
	phoneID  uuid.UUID
	personID uuid.UUID
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	d := &desk{t: t, ctx: context.Background(), dir: t.TempDir()}
	d.a, d.centre = startServer(t, t.TempDir())
	d.boss = office.Who{Person: person(t, d.a, d.centre, "赵敏", schema.Supervisor), Role: schema.Supervisor, Centre: d.centre}
	newID := func() uuid.UUID { return uuid.Must(uuid.NewV7()) }
	var err error
	if d.office, err = office.New(d.a.Ledger, d.a.Store, d.a.Schema, d.a.Now, newID, time.UTC); err != nil {
		t.Fatal(err)
	}
	d.bench = office.NewBench(d.a.Ledger, d.a.Store, d.a.Schema, d.a.Now, newID)
	installer := person(t, d.a, d.centre, "李师傅", schema.Installer)
	d.job, _ = newJob(t, d.a, d.centre, installer)
	if d.c, err = clientsdk.Open(clientsdk.Config{Dir: d.dir, Server: d.a.URL(), Metered: func() bool { return d.metered }}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.c.Close() })
	enrol(t, d.a, d.c, installer)
	id, _ := d.c.Identity()
	d.phoneID, d.personID = id.Device, id.Person
	d.sync()
	return d
}

// sync makes two rounds: the second one carries the acknowledgements.
func (d *desk) sync() {
	d.t.Helper()
	for range 2 {
		if _, ok := d.c.Identity(); !ok {
			return // wiped
		}
		if _, err := d.c.Sync(d.ctx); err != nil {
			d.t.Fatal(err)
		}
	}
}

func (d *desk) note(text string) (id uuid.UUID) {
	d.t.Helper()
	d.edit(func(e *clientsdk.Edit) (err error) {
		id, err = e.Insert("note", map[string]any{"job": d.job[:], "kind": "note", "text": text, "at": d.a.Now().UnixMilli()})
		return err
	})
	return id
}

func (d *desk) edit(fn func(*clientsdk.Edit) error) {
	d.t.Helper()
	if err := d.c.Edit(d.ctx, fn); err != nil {
		d.t.Fatal(err)
	}
}

func (d *desk) instruct(in office.Instruction) {
	d.t.Helper()
	in.Device = d.phoneID
	if err := d.office.Instruct(d.ctx, d.boss, in); err != nil {
		d.t.Fatal(err)
	}
}

// file is the phone's page, as a supervisor sees it.
func (d *desk) file() *centre.DevicePage {
	d.t.Helper()
	f, err := d.a.Store.Phone(d.ctx, d.centre, d.phoneID)
	if err != nil {
		d.t.Fatal(err)
	}
	return &centre.DevicePage{PhoneFile: f}
}

// answered wants the phone's answer to the newest instruction of a kind.
func (d *desk) answered(kind, state string) report.Asked {
	d.t.Helper()
	for _, a := range d.file().Asked {
		if a.Kind == kind {
			if a.State != state {
				d.t.Errorf("the phone answered %q to %s, want %q", a.State, kind, state)
			}
			return a
		}
	}
	d.t.Fatalf("the phone's page has no %s", kind)
	return report.Asked{}
}

func (d *desk) has(table string, id uuid.UUID) schema.Row {
	d.t.Helper()
	row, ok, err := d.a.Store.StateRow(d.ctx, d.centre, table, id)
	if err != nil || !ok {
		d.t.Fatalf("the server has no %s: %v", table, err)
	}
	return row
}

func (d *desk) notices(kind, text string) int {
	d.t.Helper()
	all, err := d.c.Notices(d.ctx)
	if err != nil {
		d.t.Fatal(err)
	}
	n := 0
	for _, x := range all {
		if x.Kind == kind && strings.Contains(x.Text, text) {
			n++
		}
	}
	return n
}

// shot records a photo of the job.
func (d *desk) shot(shade uint8, more map[string]any) (id uuid.UUID, sha [32]byte) {
	d.t.Helper()
	f, err := d.c.Attach(d.ctx, bytes.NewReader(photo(d.t, shade, 600)), syncproto.PurposePhoto, "image/jpeg")
	if err != nil {
		d.t.Fatal(err)
	}
	cols := map[string]any{"job": d.job[:], "original": f.SHA256[:], "original_size": f.Size, "original_type": "image/jpeg", "taken_at": d.a.Now().UnixMilli()}
	for k, v := range more {
		cols[k] = v
	}
	d.edit(func(e *clientsdk.Edit) (err error) { id, err = e.Insert("photo", cols); return err })
	return id, f.SHA256
}

func (d *desk) present(sha [32]byte) bool {
	d.t.Helper()
	ok, err := d.a.Store.BlobPresent(d.ctx, d.centre, sha)
	if err != nil {
		d.t.Fatal(err)
	}
	return ok
}

// TestMessageAndResend: a message is shown once; a range of the log is sent
// again, compared byte by byte, and the office sees the result; changes arrive
// once whatever is asked.
func TestMessageAndResend(t *testing.T) {
	d := newDesk(t)
	d.instruct(office.Instruction{Kind: syncproto.KindMessage, Text: "请今天交回旧件"})
	d.sync()
	d.answered(syncproto.KindMessage, clientsdk.InstructionReceived)
	if n := d.notices(syncproto.KindMessage, "请今天交回旧件"); n != 1 {
		t.Errorf("the message is shown %d times", n)
	}
	for _, text := range []string{"一", "二", "三"} {
		d.note(text)
	}
	d.sync()
	acked := d.file().Logs[0].Acked
	rev := d.file().Logs[0]
	d.instruct(office.Instruction{Kind: syncproto.KindResend, From: 2, To: 3})
	if d.file().Resent(d.file().Asked[0]) != nil {
		t.Error("there is a result before the phone has answered")
	}
	d.sync()
	a := d.answered(syncproto.KindResend, clientsdk.InstructionDone)
	r := d.file().Resent(a)
	if r == nil || !r.Same || r.From != 2 || r.To != 3 {
		t.Errorf("result %+v of %+v", r, a)
	}
	if l := d.file().Logs[0]; l.Epoch != rev.Epoch || l.Acked != acked+1 {
		t.Errorf("behind a re-send the log is at %d, want its acknowledgement alone behind %d", l.Acked, acked)
	}
	// To the end, and beyond what there is.
	d.instruct(office.Instruction{Kind: syncproto.KindResend, Epoch: rev.Epoch, From: 1, To: 5000})
	d.sync()
	if r := d.file().Resent(d.answered(syncproto.KindResend, clientsdk.InstructionDone)); r == nil || !r.Same || r.From != 1 || r.To > d.file().Logs[0].Acked {
		t.Errorf("result %+v", r)
	}
	// A log that this phone never had is no match.
	d.instruct(office.Instruction{Kind: syncproto.KindResend, Epoch: uuid.Must(uuid.NewV7()), From: 1})
	d.sync()
	if r := d.file().Resent(d.answered(syncproto.KindResend, clientsdk.InstructionDone)); r != nil {
		t.Errorf("result %+v of a log that nobody has", r)
	}
	for _, bad := range []office.Instruction{{Kind: syncproto.KindResend}, {Kind: syncproto.KindResend, From: 5, To: 4}, {Kind: syncproto.KindResend, From: 1, To: 1 << 60},
		{Kind: syncproto.KindMessage, Text: " "}, {Kind: syncproto.KindMessage, Text: strings.Repeat("长", 400)}, {Kind: "dance"}, {Kind: syncproto.KindDecided}} {
		bad.Device = d.phoneID
		if err := d.office.Instruct(d.ctx, d.boss, bad); err == nil {
			t.Errorf("%+v is taken", bad)
		}
	}
	clerk := d.boss
	clerk.Role = schema.Clerk
	if err := d.office.Instruct(d.ctx, clerk, office.Instruction{Device: d.phoneID, Kind: syncproto.KindWipe}); err == nil {
		t.Error("a clerk instructs phones")
	}
	other := d.boss
	other.Centre = uuid.Must(uuid.NewV7())
	if err := d.office.Instruct(d.ctx, other, office.Instruction{Device: d.phoneID, Kind: syncproto.KindWipe}); err == nil {
		t.Error("another centre's supervisor instructs the phone")
	}
}

// TestOriginalIsAskedFor: on a network that costs money originals wait, until
// the office asks for one; that one alone goes.
func TestOriginalIsAskedFor(t *testing.T) {
	d := newDesk(t)
	d.metered = true
	if err := d.c.SetUploadRule(d.ctx, clientsdk.UploadWiFi); err != nil {
		t.Fatal(err)
	}
	wanted, sha := d.shot(1, map[string]any{"role": "before"})
	_, other := d.shot(2, map[string]any{"role": "before"})
	d.sync()
	if d.present(sha) || d.present(other) {
		t.Fatal("originals went over a network that costs money")
	}
	if err := d.bench.Urge(d.ctx, d.boss, d.centre, wanted); err != nil {
		t.Fatal(err)
	}
	d.sync()
	d.answered(syncproto.KindUpload, clientsdk.InstructionReceived)
	if !d.present(sha) || d.present(other) {
		t.Errorf("asked for one: present %v, the other one %v", d.present(sha), d.present(other))
	}
}

// TestRetakeIsTaken: headquarters wants another photo; the phone is told which,
// and the new one names the verdict that asked for it.
func TestRetakeIsTaken(t *testing.T) {
	d := newDesk(t)
	var defect, visit uuid.UUID
	d.edit(func(e *clientsdk.Edit) (err error) {
		if err := e.Update("job", d.job, map[string]any{"status": "departed"}); err != nil {
			return err
		}
		if visit, err = e.Insert("visit", map[string]any{"job": d.job[:], "person": d.personID[:], "started_at": int64(5)}); err != nil {
			return err
		}
		defect, err = e.Insert("defect", map[string]any{"job": d.job[:], "visit": visit[:], "no": int64(1), "class": "door_warp", "text": "左起第二块门板翘曲", "status": "open"})
		return err
	})
	old, _ := d.shot(1, map[string]any{"role": "full", "defect": defect[:]})
	d.shot(2, map[string]any{"role": "close", "defect": defect[:]})
	d.edit(func(e *clientsdk.Edit) error {
		return e.Update("defect", defect, map[string]any{"status": "submitted"})
	})
	d.sync()
	hq, err := d.a.Store.Streams(d.ctx)
	if err != nil {
		t.Fatal(err)
	}
	judge := office.Who{Person: person(t, d.a, hq[0].ID, "判定员", schema.Adjudicator), Role: schema.Adjudicator, Centre: hq[0].ID}
	if err := d.bench.Mark(d.ctx, judge, d.centre, defect, old, `[{"k":"box","p":[0.25,0.5,0.75,0.9]}]`); err != nil {
		t.Fatal(err)
	}
	verdict, err := d.bench.Adjudicate(d.ctx, judge, d.centre, office.Judgement{Defect: defect, Verdict: "retake", Lacks: "全景里看不到缺陷位置", Wanted: "full"})
	if err != nil {
		t.Fatal(err)
	}
	d.sync()
	d.answered(syncproto.KindRetake, clientsdk.InstructionReceived)
	if n := d.notices(syncproto.KindRetake, "看不到缺陷位置"); n != 1 {
		t.Errorf("the technician is told %d times", n)
	}
	list, err := d.c.Instructions(d.ctx)
	if err != nil || len(list) != 1 || list[0].Args["role"] != "full" || list[0].Args["defect"] != defect.String() || list[0].Args["adjudication"] != verdict.String() {
		t.Fatalf("instructions %+v, %v", list, err)
	}
	text, _ := list[0].Args["marks"].(string)
	if marks, err := fieldwork.ReadMarks(text); err != nil || len(marks) != 1 || marks[0].Photo != old || marks[0].Shapes[0].At != [4]float64{0.25, 0.5, 0.75, 0.9} {
		t.Errorf("what headquarters drew came to the phone as %q, %v", text, err)
	}
	again, sha := d.shot(3, map[string]any{"role": "full", "defect": defect[:], "retake_of": verdict[:]})
	d.edit(func(e *clientsdk.Edit) error {
		return e.Update("defect", defect, map[string]any{"status": "submitted"})
	})
	d.sync()
	if got := d.has("photo", again); got.UUID("retake_of") != verdict {
		t.Errorf("the new photo answers %s", got.UUID("retake_of"))
	}
	if d.has("photo", old); !d.present(sha) || d.has("defect", defect).Text("status") != "submitted" {
		t.Errorf("the defect is %s", d.has("defect", defect).Text("status"))
	}
}

// TestWipeNeverDropsUnsentWork: a phone that is to be wiped first brings in
// what it has, whatever goes wrong meanwhile.
func TestWipeNeverDropsUnsentWork(t *testing.T) {
	d := newDesk(t)
	d.metered = true
	if err := d.c.SetUploadRule(d.ctx, clientsdk.UploadWiFi); err != nil {
		t.Fatal(err)
	}
	n := d.note("一")
	_, sha := d.shot(1, map[string]any{"role": "before"})
	d.instruct(office.Instruction{Kind: syncproto.KindWipe})
	d.sync()
	if _, ok := d.c.Identity(); !ok {
		t.Fatal("wiped with an original that only this phone has")
	}
	d.has("note", n)
	d.answered(syncproto.KindWipe, clientsdk.InstructionReceived)
	late := d.note("二") // recorded behind the order
	d.metered = false
	d.sync()
	if _, ok := d.c.Identity(); ok {
		t.Error("not wiped, with everything sent")
	}
	d.has("note", late)
	if !d.present(sha) {
		t.Errorf("the original %s is lost", hex.EncodeToString(sha[:4]))
	}
}

// TestSignOutByPermit: unsent work keeps a technician from signing out; the
// supervisor's code lets him, and the work is put aside, not dropped.
func TestSignOutByPermit(t *testing.T) {
	d := newDesk(t)
	d.note("只在手机上")
	if err := d.c.SignOut(d.ctx, ""); err == nil {
		t.Fatal("signed out with unsent work")
	}
	boss := auth.Person{ID: d.boss.Person, Centre: d.centre, Role: schema.Supervisor}
	for name, by := range map[string]auth.Person{"a clerk": {ID: uuid.New(), Centre: d.centre, Role: schema.Clerk}, "another centre's": {ID: uuid.New(), Centre: uuid.New(), Role: schema.Supervisor}} {
		if _, err := d.a.Auth.PermitSignOut(d.ctx, by, d.phoneID); err == nil {
			t.Errorf("%s gave a permit", name)
		}
	}
	code, err := d.a.Auth.PermitSignOut(d.ctx, boss, d.phoneID)
	if err != nil {
		t.Fatal(err)
	}
	forged := []byte(code)
	forged[len(forged)-3] ^= 1
	if err := d.c.SignOut(d.ctx, string(forged)); err == nil {
		t.Fatal("signed out by a forged permit")
	}
	if err := d.c.SignOut(d.ctx, code); err != nil {
		t.Fatal(err)
	}
	if _, ok := d.c.Identity(); ok {
		t.Error("not signed out")
	}
	kept, err := filepath.Glob(filepath.Join(d.dir, "rescue", "*", "*.db"))
	if err != nil || len(kept) != 1 {
		t.Fatalf("put aside: %v, %v", kept, err)
	}
	if b, err := os.ReadFile(kept[0]); err != nil || !bytes.Contains(b, []byte("只在手机上")) {
		t.Errorf("the unsent note is not among what was put aside: %v", err)
	}
}
