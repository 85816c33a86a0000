package store_test

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"reflect"
	"testing"
	"time"

	"github.com/google/uuid"

	"siteledger/server/blob"
	"siteledger/server/store"
	"siteledger/server/store/storetest"
)

// blobDesk is a store with some rows that name blobs.
type blobDesk struct {
	*testing.T
	*store.Store
	ctx            context.Context
	centre, person uuid.UUID
	device         uuid.UUID
}

func openBlobDesk(t *testing.T) *blobDesk {
	t.Helper()
	s := storetest.Open(t, storetest.New(t))
	return &blobDesk{T: t, Store: s, ctx: context.Background(), centre: uuid.New(), person: uuid.New(), device: uuid.New()}
}

func (d *blobDesk) exec(query string, args ...any) {
	d.Helper()
	for i, a := range args {
		switch v := a.(type) {
		case uuid.UUID:
			args[i] = v[:]
		case [32]byte:
			args[i] = v[:]
		}
	}
	err := d.Update(d.ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(d.ctx, query, args...)
		return err
	})
	if err != nil {
		d.Fatalf("%s: %v", query, err)
	}
}

// ref makes a row under a root of a kind name a blob.
func (d *blobDesk) ref(centre, root uuid.UUID, kind, table string, row uuid.UUID, sha [32]byte) {
	d.Helper()
	d.exec(`INSERT INTO root (centre, root, kind, rev, rows, sum) VALUES ($1, $2, $3, 1, 1, 0) ON CONFLICT DO NOTHING`, centre, root, kind)
	d.exec(`INSERT INTO blob_ref (centre, sha256, root, tbl, row, col, purpose) VALUES ($1, $2, $3, $4, $5, 'original', 'photo')`, centre, sha, root, table, row)
}

func (d *blobDesk) sha(name string) [32]byte { return sha256.Sum256([]byte(name)) }

func (d *blobDesk) upload(name string) blob.Upload {
	sha := d.sha(name)
	return blob.Upload{
		Centre: d.centre, Device: d.device, Person: d.person, SHA256: sha,
		Info: blob.Info{Size: 5, Type: "image/jpeg", Purpose: "photo"}, Key: blob.ObjectKey(d.centre, sha, d.device),
		PlannedAt: time.UnixMilli(1_000),
	}
}

func (d *blobDesk) save(rows ...blob.Upload) {
	d.Helper()
	if err := d.SaveBlobUploads(d.ctx, rows); err != nil {
		d.Fatal(err)
	}
}

func TestBlobUploadRowsComeBackAsTheyWere(t *testing.T) {
	d := openBlobDesk(t)
	planned, stored := d.upload("planned"), d.upload("stored")
	planned.Multipart, planned.PartSize = "upload id", 8<<20
	stored.StoredAt, stored.History, stored.Receipt = time.UnixMilli(5_000), uuid.New(), "a.b.c"
	d.save(planned, stored)
	for _, want := range []blob.Upload{planned, stored} {
		got, ok, err := d.BlobUpload(d.ctx, d.centre, d.device, want.SHA256)
		if err != nil || !ok || !reflect.DeepEqual(got, want) {
			t.Fatalf("%+v, %v, %v; want %+v", got, ok, err, want)
		}
	}
	if _, ok, err := d.BlobUpload(d.ctx, d.centre, uuid.New(), stored.SHA256); ok || err != nil {
		t.Fatalf("another device's row: %v %v", ok, err)
	}
	if _, ok, err := d.BlobUpload(d.ctx, uuid.New(), d.device, stored.SHA256); ok || err != nil {
		t.Fatalf("another centre's row: %v %v", ok, err)
	}
	if n, err := d.OpenBlobUploads(d.ctx, d.centre, d.device); n != 1 || err != nil {
		t.Fatalf("%d open, %v; want 1", n, err)
	}
	planned.Multipart, planned.Size = "", 6
	d.save(planned)
	if got, _, _ := d.BlobUpload(d.ctx, d.centre, d.device, planned.SHA256); !reflect.DeepEqual(got, planned) {
		t.Fatalf("saved again: %+v", got)
	}
}

func TestStaleBlobUploadsAreTheUnfinishedOldOnes(t *testing.T) {
	d := openBlobDesk(t)
	old, stored, young := d.upload("old"), d.upload("stored"), d.upload("young")
	stored.StoredAt, young.PlannedAt = time.UnixMilli(1_500), time.UnixMilli(3_000)
	d.save(old, stored, young)
	got, err := d.StaleBlobUploads(d.ctx, time.UnixMilli(2_000), 10)
	if err != nil || len(got) != 1 || got[0].SHA256 != old.SHA256 {
		t.Fatalf("%+v, %v", got, err)
	}
	for _, u := range []blob.Upload{old, stored} {
		if err := d.DropBlobUpload(d.ctx, u); err != nil {
			t.Fatal(err)
		}
	}
	if _, ok, _ := d.BlobUpload(d.ctx, d.centre, d.device, old.SHA256); ok {
		t.Error("the old row is still there")
	}
	if _, ok, _ := d.BlobUpload(d.ctx, d.centre, d.device, stored.SHA256); !ok {
		t.Error("a stored row was dropped")
	}
}

func TestBlobCopiesAlsoFromTheLedgerAlone(t *testing.T) {
	d := openBlobDesk(t)
	u := d.upload("x")
	u.StoredAt, u.Receipt = time.UnixMilli(9_000), "r"
	d.save(u, d.upload("planned only"))
	other := uuid.New()
	for _, device := range []uuid.UUID{d.device, other} {
		d.exec(`INSERT INTO state_stored_blob (centre, id, root, rev, clock, "sha256", "size", "type", "purpose", "device", "at")
			VALUES ($1, $2, $1, 1, $2, $3, 5, 'image/png', 'photo', $4, 4000)`, d.centre, uuid.New(), u.SHA256, device)
	}
	got, err := d.BlobCopies(d.ctx, d.centre, u.SHA256)
	if err != nil || len(got) != 2 {
		t.Fatalf("%+v, %v; want 2 copies", got, err)
	}
	if !reflect.DeepEqual(got[0], u) {
		t.Errorf("first %+v, want %+v", got[0], u)
	}
	if got[1].Device != other || got[1].Key != blob.ObjectKey(d.centre, u.SHA256, other) || got[1].Type != "image/png" || got[1].Size != 5 || !got[1].Stored() {
		t.Errorf("from the ledger: %+v", got[1])
	}
	if got, _ := d.BlobCopies(d.ctx, d.centre, d.sha("planned only")); len(got) != 0 {
		t.Errorf("a copy that was never checked: %+v", got)
	}
	if got, _ := d.BlobCopies(d.ctx, uuid.New(), u.SHA256); len(got) != 0 {
		t.Errorf("a copy of another centre: %+v", got)
	}
}

func TestPresentBlobsPageThroughAllCentres(t *testing.T) {
	d := openBlobDesk(t)
	want := map[blob.Ref]bool{}
	for _, centre := range []uuid.UUID{uuid.New(), uuid.New(), d.centre} {
		for _, name := range []string{"a", "b", "c"} {
			d.exec(`INSERT INTO blob_present (centre, sha256, size, rev) VALUES ($1, $2, 5, 1)`, centre, d.sha(name))
			want[blob.Ref{Centre: centre, SHA256: d.sha(name), Size: 5}] = true
		}
	}
	var after blob.Ref
	for {
		page, err := d.PresentBlobs(d.ctx, after, 2)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		for _, r := range page {
			if !want[r] {
				t.Fatalf("twice or never: %+v", r)
			}
			delete(want, r)
		}
		after = page[len(page)-1]
	}
	if len(want) > 0 {
		t.Fatalf("left out: %v", want)
	}
	if ok, err := d.BlobPresent(d.ctx, d.centre, d.sha("a")); !ok || err != nil {
		t.Fatalf("present: %v %v", ok, err)
	}
	if ok, _ := d.BlobPresent(d.ctx, uuid.New(), d.sha("a")); ok {
		t.Fatal("present in a centre that has it not")
	}
}

func TestBlobVisibleOnlyToItsAudience(t *testing.T) {
	d := openBlobDesk(t)
	hq, elsewhere, job, left, foreign := uuid.New(), uuid.New(), uuid.New(), uuid.New(), uuid.New()
	d.exec(`INSERT INTO stream (centre, headquarters, office_device, office_epoch) VALUES ($1, 1, $1, $1)`, hq)
	d.exec(`INSERT INTO stream (centre, headquarters, office_device, office_epoch) VALUES ($1, 0, $1, $1)`, elsewhere)
	for _, m := range []struct {
		job          uuid.UUID
		joined, left int
	}{{job, 5, 3}, {left, 5, 7}} {
		d.exec(`INSERT INTO membership (centre, person, job, joined_rev, left_rev) VALUES ($1, $2, $3, $4, $5)`, d.centre, d.person, m.job, m.joined, m.left)
	}
	d.exec(`INSERT INTO membership (centre, person, job, joined_rev, left_rev) VALUES ($1, $2, $3, 1, 0)`, d.centre, uuid.New(), foreign)
	for name, tc := range map[string]struct {
		centre, root uuid.UUID
		kind         string
		visible      bool
	}{
		"a job of mine":             {d.centre, job, "job", true},
		"a job that I left":         {d.centre, left, "job", false},
		"a job of somebody else":    {d.centre, foreign, "job", false},
		"my own row":                {d.centre, d.person, "person", true},
		"another person's row":      {d.centre, uuid.New(), "person", false},
		"my centre's row":           {d.centre, d.centre, "centre", true},
		"another centre's row":      {elsewhere, elsewhere, "centre", false},
		"same job id, other centre": {elsewhere, job, "job", false},
		"an office row":             {d.centre, uuid.New(), "office", false},
		"a row of headquarters":     {hq, hq, "headquarters", true},
		"a false headquarters":      {elsewhere, uuid.New(), "headquarters", false},
	} {
		d.ref(tc.centre, tc.root, tc.kind, "photo", uuid.New(), d.sha(name))
		if got, err := d.BlobVisible(d.ctx, d.centre, d.person, d.sha(name)); err != nil || got != tc.visible {
			t.Errorf("%s: %v, %v; want %v", name, got, err, tc.visible)
		}
	}
	if got, _ := d.BlobVisible(d.ctx, d.centre, d.person, d.sha("named by nothing")); got {
		t.Error("a hash alone opens something")
	}
}

func TestMissingBlobsSayWhosePhoneHasThem(t *testing.T) {
	d := openBlobDesk(t)
	job, other, visit, wang := uuid.New(), uuid.New(), uuid.New(), uuid.New()
	person := func(id uuid.UUID, name string) {
		d.exec(`INSERT INTO state_person (centre, id, root, rev, clock, "name") VALUES ($1, $2, $2, 1, $2, $3)`, d.centre, id, name)
	}
	person(d.person, "李师傅")
	person(wang, "王师傅")
	d.exec(`INSERT INTO state_visit (centre, id, root, rev, clock, "job", "person") VALUES ($1, $2, $3, 1, $2, $3, $4)`, d.centre, visit, job, d.person)
	for _, id := range []uuid.UUID{job, other} {
		d.exec(`INSERT INTO state_job (centre, id, root, rev, clock) VALUES ($1, $2, $2, 1, $2)`, d.centre, id)
	}
	photoOf := func(name string, under uuid.UUID, visit any) {
		row := uuid.New()
		d.exec(`INSERT INTO state_photo (centre, id, root, rev, clock, "job", "visit") VALUES ($1, $2, $3, 1, $2, $3, $4)`, d.centre, row, under, visit)
		d.ref(d.centre, under, "job", "photo", row, d.sha(name))
	}
	photoOf("one", job, visit)
	photoOf("two", job, visit)
	photoOf("there", job, visit)
	photoOf("by wang", job, visit)
	photoOf("nobody's", other, nil)
	d.exec(`INSERT INTO blob_present (centre, sha256, size, rev) VALUES ($1, $2, 5, 1)`, d.centre, d.sha("there"))
	d.exec(`INSERT INTO log (centre, device, epoch, person, head, last_contact) VALUES ($1, $2, $2, $3, $2, 777000)`, d.centre, d.device, d.person)
	planned := d.upload("by wang")
	planned.Person = wang
	d.save(planned)

	list, err := d.MissingBlobs(d.ctx, d.centre, job)
	if err != nil || len(list) != 3 {
		t.Fatalf("%+v, %v; want 3", list, err)
	}
	for _, m := range list {
		want := blob.Missing{Job: job, Table: "photo", Row: m.Row, Column: "original", SHA256: m.SHA256, Purpose: "photo", Person: d.person, PersonName: "李师傅", LastContact: time.UnixMilli(777_000)}
		if m.SHA256 == d.sha("by wang") {
			want.Person, want.PersonName, want.Planned, want.LastContact = wang, "王师傅", true, time.Time{}
		}
		if !reflect.DeepEqual(m, want) {
			t.Errorf("%+v, want %+v", m, want)
		}
	}
	counts, err := d.CountMissingBlobs(d.ctx, d.centre)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]int{}
	for _, c := range counts {
		got[c.PersonName] += c.Count
	}
	if want := map[string]int{"李师傅": 2, "王师傅": 1, "": 1}; !reflect.DeepEqual(got, want) {
		t.Fatalf("counts %v, want %v", got, want)
	}
	if list, _ := d.MissingBlobs(d.ctx, uuid.New(), job); len(list) != 0 {
		t.Fatalf("another centre sees %+v", list)
	}
}
