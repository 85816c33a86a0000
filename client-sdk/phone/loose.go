package phone

import (
	"cmp"
	"encoding/hex"
	"fmt"
	"net/http"

	"github.com/google/uuid"

	clientsdk "siteledger/client-sdk"
	"siteledger/syncproto"
	"siteledger/syncproto/schema"
)

// looseItem is a picture that is stored on this phone and that no record names:
// what was to name it was refused, or the app was killed in between.
type looseItem struct {
	SHA   string
	Name  string
	Size  int64
	Added int64
}

// loose lists what no record names. Previews are none: their originals are.
func (q *ask) loose(uploads []clientsdk.Upload) []looseItem {
	var out []looseItem
	for _, u := range uploads {
		if isLoose(u) {
			out = append(out, q.looseItem(u))
		}
	}
	return out
}

func isLoose(u clientsdk.Upload) bool {
	return u.State == clientsdk.Stored && u.Purpose != syncproto.PurposePreview
}

func (q *ask) looseItem(u clientsdk.Upload) looseItem {
	it := looseItem{SHA: hex.EncodeToString(u.SHA256[:]), Name: q.t("loose.photo"), Size: u.Size, Added: u.Added.UnixMilli()}
	if u.Purpose == syncproto.PurposeSignature {
		it.Name = q.t("uploads.signature")
	}
	return it
}

// looseData is the page of one such picture: where it may go, or away.
type looseData struct {
	looseItem
	Places []loosePlace
	Roles  []string
	Photo  bool // a signature belongs to the moment in which it was drawn: it can only be discarded
}

// loosePlace is an open visit that the photo may be added to.
type loosePlace struct {
	Job     uuid.UUID
	Title   string
	Defects []schema.Row
}

// loosePage serves GET /loose/{sha}.
func loosePage(q *ask) error {
	u, err := q.looseUpload()
	if err != nil {
		return err
	}
	d := looseData{looseItem: q.looseItem(u), Photo: u.Purpose == syncproto.PurposePhoto, Roles: q.app.schema.Table("photo").Column("role").Values}
	err = q.view(func(v *clientsdk.View) error {
		t, err := q.loadJobs(v)
		if err != nil {
			return err
		}
		for _, job := range t.jobs {
			f, err := loadJob(v, job.ID, q.me())
			if err != nil {
				return err
			}
			if f.Visit != nil {
				d.Places = append(d.Places, loosePlace{job.ID, cmp.Or(f.Contact.Text("community"), f.Contact.Text("address")) + " · " + f.Contact.Text("name"), f.Defects})
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return q.show(http.StatusOK, "loose", page{Title: d.Name, Back: "/uploads", Body: d})
}

// looseUpload is the picture of the address, where no record names it.
func (q *ask) looseUpload() (clientsdk.Upload, error) {
	st, err := q.app.client.Status(q.r.Context())
	if err != nil {
		return clientsdk.Upload{}, fmt.Errorf("status: %w", err)
	}
	for _, u := range st.Uploads {
		if isLoose(u) && hex.EncodeToString(u.SHA256[:]) == q.r.PathValue("sha") {
			return u, nil
		}
	}
	return clientsdk.Upload{}, gone()
}

// addLoose serves POST /job/{job}/loose/{sha}: the photo goes to the open visit
// after all. It counts as chosen from the album, since nobody can say any more
// how it came.
func addLoose(q *ask) error {
	job, err := q.pathID("job")
	if err != nil {
		return err
	}
	if _, err := q.looseUpload(); err != nil {
		return err
	}
	form, facts, err := q.storedPhoto(job)
	if err != nil {
		return err
	}
	form.source = "gallery"
	return q.addPhoto(job, form, facts)
}

// discardLoose serves POST /loose/{sha}/discard.
func discardLoose(q *ask) error {
	u, err := q.looseUpload()
	if err != nil {
		return err
	}
	if err := q.app.client.Discard(q.r.Context(), u.SHA256); err != nil {
		return fmt.Errorf("discard: %w", err)
	}
	return q.to("/uploads", "discarded")
}
