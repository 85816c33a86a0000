package centre_test

import (
	"crypto/sha256"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"siteledger/server/likeness"
)

// The job's page says which photos a person should look at twice, and leads to
// the other job; of another centre's photos it says nothing.
func TestJobPageDoubtsPhotos(t *testing.T) {
	w := world(t)
	b := w.SignIn("clerk")
	job := func(centre uuid.UUID, no string) uuid.UUID {
		return w.Insert(centre, "job", map[string]any{"job_no": no, "kind": "aftersale", "intake_at": w.Now.UnixMilli(), "asked_work": "门板", "warranty": "out", "status": "new"})
	}
	first, second := job(w.Centre, "S1"), job(w.Centre, "S2")
	put := func(centre, job uuid.UUID, name, source string) {
		sum := sha256.Sum256([]byte(name))
		w.Insert(centre, "photo", map[string]any{"job": job[:], "role": "after", "original": sum[:], "original_size": int64(5), "original_type": "image/jpeg",
			"taken_at": w.Now.UnixMilli(), "source": source})
		w.Insert(centre, "stored_blob", map[string]any{"sha256": sum[:], "size": int64(5), "type": "image/jpeg", "purpose": "photo", "device": job[:], "at": w.Now.UnixMilli()})
	}
	put(w.Centre, first, "shared", "camera")
	put(w.Centre, second, "shared", "gallery")
	put(w.Centre, second, "abroad", "camera")
	put(w.Other, job(w.Other, "W1"), "abroad", "camera")
	page := b.Get("/centre/jobs/" + second.String()).Want(200)
	page.Has(".doubt", "同一张照片").Has(".doubt", "来自相册")
	if page.Attr(".doubt a", "href") != "/centre/jobs/"+first.String() {
		t.Error("the chip does not lead to the other job")
	}
	if strings.Contains(page.Body, "外中心") || strings.Count(page.Body, "同一张照片") != 1 {
		t.Error("the page tells of another centre's photo")
	}
	b.Get("/centre/jobs/"+first.String()).Want(200).Has(".doubt", "同一张照片").Lacks(".photos", "未比对相似")
	// What nobody could look at says so at its place.
	w.Photos[w.Centre] = map[[32]byte][]byte{sha256.Sum256([]byte("shared")): []byte("no picture")}
	if _, err := likeness.NewKeeper(w.Store, w.Photos, time.Now, slog.New(slog.DiscardHandler)).Pass(t.Context(), 10); err != nil {
		t.Fatal(err)
	}
	b.Get("/centre/jobs/"+first.String()).Want(200).Has(".photos", "未比对相似")
}
