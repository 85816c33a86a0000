package clientsdk_test

import (
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	clientsdk "siteledger/client-sdk"
	"siteledger/client-sdk/localdb"
	"siteledger/migrations/client"
	"siteledger/syncproto"
)

// name records a photo whose bytes are stored.
func (d *desk) name(c *clientsdk.Client, job uuid.UUID, a clientsdk.Attachment) error {
	return c.Edit(d.t.Context(), func(e *clientsdk.Edit) error {
		_, err := e.Insert("photo", map[string]any{"job": job, "role": "close", "original": a.SHA256, "original_size": a.Size, "original_type": "image/jpeg", "taken_at": d.now()})
		return err
	})
}

func fileOf(dir string, a clientsdk.Attachment) string {
	sha := hex.EncodeToString(a.SHA256[:])
	return filepath.Join(dir, "photos", sha[:2], sha)
}

// TestRefusedPhotoIsUnattached: the bytes of a photo whose record was refused
// are no work that only this phone has; they can be named after all, or
// discarded, and neither is possible twice.
func TestRefusedPhotoIsUnattached(t *testing.T) {
	d := newDesk(t)
	c, dir, job := d.enrolled()
	kept, dropped := d.attach(c, syncproto.PurposePhoto, "kept"), d.attach(c, syncproto.PurposePhoto, "dropped")
	refused := errors.New("a rule of the trade")
	err := c.Edit(t.Context(), func(e *clientsdk.Edit) error {
		for _, a := range []clientsdk.Attachment{kept, dropped} {
			if _, err := e.Insert("photo", map[string]any{"job": job, "role": "close", "original": a.SHA256, "original_size": a.Size, "original_type": "image/jpeg", "taken_at": d.now()}); err != nil {
				return err
			}
		}
		return refused
	})
	if !errors.Is(err, refused) && clientsdk.CodeOf(err) != clientsdk.CodeInternal {
		t.Fatal(err)
	}
	d.sync(c)
	if st := d.status(c); st.OnlyHere != 0 || st.Unattached != 2 || len(st.Uploads) != 2 || st.Uploads[0].State != clientsdk.Stored {
		t.Fatalf("only here %d, unattached %d, %+v", st.OnlyHere, st.Unattached, st.Uploads)
	}
	if err := d.name(c, job, kept); err != nil {
		t.Fatal(err)
	}
	if st := d.status(c); st.OnlyHere != 1 || st.Unattached != 1 {
		t.Errorf("named: only here %d, unattached %d", st.OnlyHere, st.Unattached)
	}
	wantCode(t, c.Discard(t.Context(), kept.SHA256), clientsdk.CodeBlobNamed)
	if err := c.Discard(t.Context(), dropped.SHA256); err != nil {
		t.Fatal(err)
	}
	wantCode(t, c.Discard(t.Context(), dropped.SHA256), clientsdk.CodeBlobAbsent)
	if _, err := os.Stat(fileOf(dir, dropped)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the discarded file: %v", err)
	}
	wantCode(t, d.name(c, job, dropped), clientsdk.CodeBlobAbsent)
	d.sync(c)
	if st := d.status(c); st.OnlyHere != 0 || st.Unattached != 0 || len(st.Uploads) != 1 || st.Uploads[0].State != clientsdk.Verified {
		t.Errorf("at the end: %+v", st.Uploads)
	}
	wantCode(t, c.Discard(t.Context(), kept.SHA256), clientsdk.CodeBlobNamed)
	// The same bytes may be taken again.
	if again := d.attach(c, syncproto.PurposePhoto, "dropped"); again != dropped || d.name(c, job, again) != nil {
		t.Error("the same photo can't be taken again")
	}
}

// TestDiscardIsFinished: a kill between the row and the file leaves neither.
func TestDiscardIsFinished(t *testing.T) {
	d := newDesk(t)
	c, dir, _ := d.enrolled()
	a := d.attach(c, syncproto.PurposePhoto, "half discarded")
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	db, err := localdb.Open(t.Context(), filepath.Join(dir, "phone.db"), client.Files)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(t.Context(), func(tx *sql.Tx) error {
		_, err := tx.ExecContext(t.Context(), `UPDATE blob SET local = 0`)
		return err
	})
	if err = errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	c = d.phone(dir)
	if _, err := os.Stat(fileOf(dir, a)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the file: %v", err)
	}
	if st := d.status(c); st.Unattached != 0 || len(st.Uploads) != 0 {
		t.Errorf("uploads %+v", st.Uploads)
	}
}

// TestForgottenPreviewsGo: previews are made again when they are needed; a photo
// that nobody named stays until somebody decides.
func TestForgottenPreviewsGo(t *testing.T) {
	d := newDesk(t)
	c, dir, _ := d.enrolled()
	preview, photo := d.attach(c, syncproto.PurposePreview, "preview"), d.attach(c, syncproto.PurposePhoto, "photo")
	d.pass(34 * 24 * time.Hour)
	d.sync(c)
	if _, err := os.Stat(fileOf(dir, preview)); err != nil {
		t.Errorf("after 34 days: %v", err)
	}
	d.pass(2 * 24 * time.Hour)
	d.sync(c)
	if _, err := os.Stat(fileOf(dir, preview)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("after 36 days: %v", err)
	}
	if _, err := os.Stat(fileOf(dir, photo)); err != nil || d.status(c).Unattached != 1 {
		t.Errorf("the photo: %v", err)
	}
}

// TestStoreAndDiscardAtOnce: bytes that are stored again while their older copy
// is discarded are there, or are known to be gone.
func TestStoreAndDiscardAtOnce(t *testing.T) {
	d := newDesk(t)
	c, dir, job := d.enrolled()
	for i := range 30 {
		a := d.attach(c, syncproto.PurposePhoto, fmt.Sprint(i))
		var both sync.WaitGroup
		both.Go(func() {
			if err := c.Discard(t.Context(), a.SHA256); err != nil && clientsdk.CodeOf(err) != clientsdk.CodeBlobAbsent {
				t.Error(err)
			}
		})
		both.Go(func() { d.attach(c, syncproto.PurposePhoto, fmt.Sprint(i)) })
		both.Wait()
		err := d.name(c, job, a)
		_, missing := os.Stat(fileOf(dir, a))
		if (err == nil) != (missing == nil) {
			t.Fatalf("round %d: naming it gave %v, the file %v", i, err, missing)
		}
	}
}
