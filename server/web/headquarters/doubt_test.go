package headquarters_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"siteledger/server/blob"
	"siteledger/server/demo/scene"
	"siteledger/server/fault"
	"siteledger/server/likeness"
	"siteledger/server/office/benchtest"
	"siteledger/syncproto"
)

// album is the stored bytes by hash.
type album map[[32]byte][]byte

// Open satisfies likeness.Photos.
func (a album) Open(_ context.Context, _ uuid.UUID, sha [32]byte) (io.ReadSeekCloser, blob.Info, error) {
	b, ok := a[sha]
	if !ok {
		return nil, blob.Info{}, fault.New(syncproto.NotFound, "no")
	}
	kind := "image/jpeg"
	if bytes.HasPrefix(b, []byte("\x00\x00\x00\x18ftypheic")) {
		kind = "image/heic"
	}
	return struct {
		*bytes.Reader
		io.Closer
	}{bytes.NewReader(b), io.NopCloser(nil)}, blob.Info{Size: int64(len(b)), Type: kind, Purpose: syncproto.PurposePhoto}, nil
}

// add keeps bytes and gives their hash.
func (a album) add(b []byte) []byte {
	sha := sha256.Sum256(b)
	a[sha] = b
	return sha[:]
}

// shot draws a kitchen.
func shot(seed uint64) []byte {
	return scene.NewStudio().Photo(scene.Spec{Seed: seed, ID: "SL", Fault: scene.DoorColour, View: scene.Full, Width: 640, Height: 480})
}

// copyOf is a photo as somebody hides where it came from: a little cropped,
// brighter, turned by 90° and compressed again.
func copyOf(t *testing.T, b []byte) []byte {
	t.Helper()
	m, err := jpeg.Decode(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	const off = 10
	w, h := m.Bounds().Dx()-2*off, m.Bounds().Dy()-2*off
	out := image.NewRGBA(image.Rect(0, 0, h, w))
	for y := range w {
		for x := range h {
			c := color.RGBAModel.Convert(m.At(off+y, off+h-1-x)).(color.RGBA)
			lift := func(v uint8) uint8 { return uint8(min(255, int(v)*115/100)) }
			out.SetRGBA(x, y, color.RGBA{lift(c.R), lift(c.G), lift(c.B), 255})
		}
	}
	var file bytes.Buffer
	if err := jpeg.Encode(&file, out, &jpeg.Options{Quality: 60}); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

// take records one more photo of a story's defect, and has it arrive.
func (d *desk) take(s *benchtest.Story, sum []byte, more map[string]any) uuid.UUID {
	id := benchtest.NewID()
	cols := map[string]any{"job": s.Job[:], "visit": s.Visit[:], "defect": s.Defect[:], "role": "full", "original": sum, "original_size": int64(1000),
		"original_type": "image/jpeg", "taken_at": d.Now.Add(-7 * time.Hour).UnixMilli(), "source": "camera"}
	for k, v := range more {
		cols[k] = v
	}
	s.Phone.Record(benchtest.Insert("photo", id, cols))
	s.Phone.Push()
	d.Arrive(s.Phone.Device.ID, sum)
	return id
}

// look has every photo that waits looked at.
func (d *desk) look(t *testing.T, a album) int {
	t.Helper()
	n, err := likeness.NewKeeper(d.Store, a, time.Now, slog.New(slog.DiscardHandler)).Pass(context.Background(), 100)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// inOther puts a photo into a job of the other centre.
func (d *desk) inOther(sum []byte) {
	job := benchtest.NewID()
	d.Write(d.Other, benchtest.System(), benchtest.Insert("centre", benchtest.NewID(), map[string]any{"name": "城西服务中心", "name_en": "West centre", "phone": "400-820-5678", "hours": "8:40—18:00"}),
		benchtest.Insert("job", job, map[string]any{"job_no": "W0042", "kind": "aftersale", "intake_at": d.Now.UnixMilli(), "asked_work": "x", "warranty": "out", "status": "new"}),
		benchtest.Insert("photo", benchtest.NewID(), map[string]any{"job": job[:], "role": "full", "original": sum, "original_size": int64(1000), "original_type": "image/jpeg",
			"taken_at": d.Now.UnixMilli(), "source": "camera"}),
		benchtest.Insert("stored_blob", benchtest.NewID(), map[string]any{"sha256": sum, "size": int64(1000), "type": "image/jpeg", "purpose": "photo", "device": job[:], "at": d.Now.UnixMilli()}))
}

// A photo that was used before is shown with its reason to whoever judges: the
// same bytes, and a copy that was cropped, brightened, turned and compressed.
// What lies in another centre is shown to adjudicators alone.
func TestPhotoUsedBeforeIsDoubted(t *testing.T) {
	d, a := openDesk(t), album{}
	first, other, fresh := shot(3), shot(4), shot(5)
	old := d.Finished()
	d.take(old, a.add(first), nil)
	d.inOther(a.add(other))
	d.Pass(24 * time.Hour)
	now := d.Finished()
	d.take(now, a.add(copyOf(t, first)), nil)
	d.take(now, a.add(copyOf(t, other)), map[string]any{"role": "close"})
	d.take(now, a.add(fresh), map[string]any{"role": "compare"})
	if n := d.look(t, a); n == 0 {
		t.Fatal("no photo was looked at")
	}
	if n := d.look(t, a); n != 0 {
		t.Fatalf("%d photos were looked at again", n)
	}
	_, page, _ := d.ask(t, "adjudicator", d.path(now), nil)
	want(t, page, "照片存疑", "同一张照片", "一个字节都不差", "照片相似", "外中心照片相似", "城西服务中心", "W0042", "其中一张转过或翻过", d.path(old))
	if n := strings.Count(page, `class="doubt"`); n == 0 {
		t.Error("the photos themselves have no chip")
	}
	_, page, _ = d.ask(t, "admin", d.path(now), nil)
	want(t, page, "照片相似")
	for _, secret := range []string{"城西服务中心", "W0042", "外中心"} {
		if strings.Contains(page, secret) {
			t.Errorf("somebody who is no adjudicator sees %s", secret)
		}
	}
	facts, err := d.Store.PhotoFacts(context.Background(), d.Centre, now.Job, false)
	if err != nil {
		t.Fatal(err)
	}
	for _, twin := range facts.Twins {
		if twin.Centre != d.Centre || twin.Job == now.Job {
			t.Errorf("a centre is told of %+v", twin)
		}
	}
	if s := d.Row("defect", now.Defect).Text("status"); s != "submitted" {
		t.Errorf("a doubt made the problem %s", s)
	}
}

// The same bytes in another centre are found by their hash, also where the
// picture can't be decoded; and the page says that its look was not compared.
func TestSameFileOfAFormatThatNobodyDecodes(t *testing.T) {
	d, a := openDesk(t), album{}
	sum := a.add([]byte("\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic\x00\x00\x00\x08mdat"))
	d.inOther(sum)
	s := d.Finished()
	d.take(s, sum, map[string]any{"original_type": "image/heic"})
	d.look(t, a)
	_, page, _ := d.ask(t, "adjudicator", d.path(s), nil)
	want(t, page, "外中心同一张照片", "未比对相似", "浏览器画不出来", fmt.Sprintf("SHA-256 %x", sum), fmt.Sprintf(`href="/headquarters/photos/%s/%x"`, d.Centre, sum))
	if strings.Contains(page, fmt.Sprintf(`src="/headquarters/photos/%s/%x"`, d.Centre, sum)) {
		t.Error("the page lays out a picture that no browser draws")
	}
	if _, page, _ = d.ask(t, "admin", d.path(s), nil); strings.Contains(page, "外中心") {
		t.Error("somebody who is no adjudicator sees the other centre's photo")
	}
}

// A photo that the server can't decode is compared by the preview that the
// phone made of it, both ways, and the page says so; without a preview the page
// says that its look was not compared.
func TestUndecodableIsComparedByItsPreview(t *testing.T) {
	d, a := openDesk(t), album{}
	heic := func(n byte) []byte {
		return a.add([]byte("\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic\x00\x00\x00\x08mda" + string(n)))
	}
	take := func(s *benchtest.Story, sum []byte, preview []byte) {
		t.Helper()
		more := map[string]any{"original_type": "image/heic"}
		if preview != nil {
			more["preview"], more["preview_size"] = preview, int64(900)
			d.Arrive(s.Phone.Device.ID, preview)
		}
		d.take(s, sum, more)
	}
	first, second := shot(6), shot(7)
	old := d.Finished()
	d.take(old, a.add(first), nil)
	take(old, heic('2'), a.add(second))
	d.look(t, a)
	d.Pass(24 * time.Hour)
	now, plain, later := d.Finished(), d.Finished(), d.Finished()
	take(now, heic('3'), a.add(copyOf(t, first)))
	take(plain, heic('4'), nil)
	d.take(later, a.add(copyOf(t, second)), map[string]any{"role": "close"})
	d.look(t, a)
	_, page, _ := d.ask(t, "adjudicator", d.path(now), nil)
	want(t, page, "照片相似", "按预览比对", "比对的是手机做的预览图")
	if strings.Contains(page, "未比对相似") {
		t.Error("a photo that was compared by its preview is said not to be")
	}
	_, page, _ = d.ask(t, "adjudicator", d.path(later), nil)
	want(t, page, "照片相似", d.path(old))
	_, page, _ = d.ask(t, "adjudicator", d.path(plain), nil)
	want(t, page, "未比对相似", "手机也没有做出预览图")
	if strings.Contains(page, "照片相似") || strings.Contains(page, "按预览比对") {
		t.Error("a photo that nobody looked at is called alike")
	}
}

// outing is a short visit that is recorded with a network: each step is sent at
// once.
func (d *desk) outing(s *benchtest.Story) (visit uuid.UUID) {
	visit = benchtest.NewID()
	send := func(table string, cols map[string]any) {
		s.Phone.Record(benchtest.Insert(table, benchtest.NewID(), cols))
		s.Phone.Push()
	}
	s.Phone.Record(benchtest.Insert("visit", visit, map[string]any{"job": s.Job[:], "person": s.Phone.Device.Person[:], "started_at": d.Now.UnixMilli()}))
	s.Phone.Push()
	send("visit_event", map[string]any{"visit": visit[:], "kind": "arrive", "at": d.Now.UnixMilli()})
	d.Pass(time.Hour)
	send("visit_close", map[string]any{"visit": visit[:], "at": d.Now.UnixMilli(), "rows": int64(2), "photos": int64(0)})
	return visit
}

// Times outside the visit, the album, and a phone whose clock was set.
func TestPhotoTimeAndSourceAreDoubted(t *testing.T) {
	d := openDesk(t)
	s := d.Finished()
	d.Pass(24 * time.Hour)
	visit := d.outing(s)
	closed := d.Now
	d.Pass(5 * time.Hour)
	shots := map[string]map[string]any{
		"during":    {"taken_at": closed.Add(-30 * time.Minute).UnixMilli()},
		"yesterday": {"taken_at": closed.Add(-11 * time.Hour).UnixMilli()},
		"later":     {"taken_at": closed.Add(2 * time.Hour).UnixMilli(), "source": "gallery"},
	}
	for name, more := range shots {
		more["visit"] = visit[:]
		d.take(s, benchtest.Sum(name), more)
	}
	_, page, _ := d.ask(t, "adjudicator", d.path(s), nil)
	want(t, page, "早于上门", "早 10 小时", "晚于上门", "晚 2 小时", "来自相册")
	clocks := strings.Count(page, "时钟") // the story's own photos were sent five hours later
	_, page, _ = d.ask(t, "adjudicator", d.path(s), nil, "en")
	want(t, page, "Before the visit", "After the visit", "From the gallery")

	now := d.Now
	d.Pass(30 * time.Hour) // the phone is set ahead, and back before it sends
	s.Phone.Record(benchtest.Insert("photo", benchtest.NewID(), map[string]any{"job": s.Job[:], "visit": visit[:], "defect": s.Defect[:], "role": "full",
		"original": benchtest.Sum("ahead"), "original_size": int64(1), "original_type": "image/jpeg", "taken_at": d.Now.UnixMilli(), "source": "camera"}))
	d.Now = now.Add(time.Minute)
	s.Phone.Push()
	_, page, _ = d.ask(t, "adjudicator", d.path(s), nil)
	if n := strings.Count(page, "时钟"); n <= clocks {
		t.Errorf("a clock that was set has no chip: %d mentions, %d before", n, clocks)
	}
}
