package phone

import (
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"

	"github.com/google/uuid"

	"siteledger/client-sdk/phone/picture"
	"siteledger/syncproto"
	"siteledger/syncproto/fieldwork"
	"siteledger/syncproto/schema"
)

// keepWhys are the usual reasons to keep a poor photo: it cannot be taken again,
// there is no more light, what matters can be seen.
func keepWhys() []string { return []string{"only", "light", "enough"} }

// maxReason is the most that the reason to keep a photo holds, in bytes.
const maxReason = 400

// keepData is the page between a poor photo and its row: the picture, what is
// wrong with it, and the two ways on.
type keepData struct {
	Doubt  fieldwork.Doubt
	Shown  string // path of the picture
	Action string
	Back   string // where it is taken again
	Fields url.Values
	Whys   []string // words for the usual reasons, by their key
}

// keepLink is the page that asks about a photo whose bytes are stored and which
// no row names yet. It holds everything that its form sends, so that a killed
// app or a turned screen loses nothing.
func (q *ask) keepLink(job uuid.UUID, form photoForm, cols map[string]any) string {
	v := url.Values{"role": {form.role}, "source": {form.source}, "back": {form.back}}
	if form.defect != uuid.Nil {
		v.Set("defect", form.defect.String())
	}
	if form.retake != uuid.Nil {
		v.Set("retake_of", form.retake.String())
	}
	if form.plane {
		v.Set("same_plane", "1")
	}
	if form.whole {
		v.Set("whole", "1")
	}
	if b, ok := cols["preview"].([]byte); ok {
		v.Set("preview", hex.EncodeToString(b))
	}
	sha, _ := cols["original"].([]byte)
	return "/job/" + job.String() + "/keep/" + hex.EncodeToString(sha) + "?" + v.Encode()
}

// storedPhoto reads a photo that is stored on this phone, with its facts.
func (q *ask) storedPhoto(job uuid.UUID) (photoForm, picture.Facts, error) {
	var f photoForm
	if err := q.photoFields(job, &f); err != nil {
		return f, picture.Facts{}, err
	}
	var err error
	if f.original, err = q.stored(q.r.PathValue("sha"), syncproto.DefaultLimits().MaxPhotoBytes); err != nil {
		return f, picture.Facts{}, err
	}
	if sha := q.field("preview", 64); sha != "" {
		if f.preview, err = q.stored(sha, picture.MaxPreviewBytes); err != nil {
			return f, picture.Facts{}, err
		}
	}
	facts, err := picture.Inspect(f.original, f.preview, q.zone)
	if err != nil {
		return f, facts, no("wrong.photo_cut")
	}
	return f, facts, nil
}

// stored reads bytes that this phone keeps, by their hash.
func (q *ask) stored(sha string, max int64) ([]byte, error) {
	b, err := hex.DecodeString(sha)
	if err != nil || len(b) != 32 {
		return nil, gone()
	}
	f, err := q.app.client.OpenAttachment([32]byte(b))
	if err != nil {
		return nil, gone()
	}
	defer func() { _ = f.Close() }()
	out, err := io.ReadAll(io.LimitReader(f, max))
	if err != nil {
		return nil, fmt.Errorf("stored photo: %w", err)
	}
	return out, nil
}

func keepPage(q *ask) error { return q.showKeep(http.StatusOK, "") }

func (q *ask) showKeep(status int, wrong string) error {
	job, err := q.pathID("job")
	if err != nil {
		return err
	}
	form, facts, err := q.storedPhoto(job)
	if err != nil {
		return err
	}
	row := schema.Row{Cols: map[string]schema.Value{}}
	if facts.Quality != nil {
		row.Cols["sharpness"], row.Cols["exposure"] = facts.Quality.Sharpness, facts.Quality.Exposure
	}
	d := keepData{Doubt: fieldwork.PhotoDoubt(row), Action: q.r.URL.Path, Back: form.back, Fields: url.Values{}, Whys: keepWhys()}
	for _, name := range []string{"role", "source", "back", "defect", "retake_of", "same_plane", "whole", "preview"} {
		if v := q.field(name, 300); v != "" {
			d.Fields.Set(name, v)
		}
	}
	d.Shown = "/stored/" + q.r.PathValue("sha")
	if p := d.Fields.Get("preview"); p != "" {
		d.Shown = "/stored/" + p
	}
	return q.show(status, "keep", page{Title: q.valueOf("photo", "role", form.role), Back: form.back, Wrong: wrong, Body: d})
}

// keepPhoto serves POST /job/{job}/keep/{sha}: the photographer keeps the photo
// and says why.
func keepPhoto(q *ask) error {
	job, err := q.pathID("job")
	if err != nil {
		return err
	}
	reason := q.field("reason", maxReason)
	if reason == "" {
		if why := q.field("why", 20); slices.Contains(keepWhys(), why) {
			reason = q.t("keep.why_" + why)
		}
	}
	if reason == "" {
		return q.showKeep(http.StatusUnprocessableEntity, q.t("wrong.keep_reason"))
	}
	form, facts, err := q.storedPhoto(job)
	if err != nil {
		return err
	}
	form.reason = reason
	return q.addPhoto(job, form, facts)
}

// storedBytes serves GET /stored/{sha}: a picture that is on this phone.
func storedBytes(q *ask) error {
	b, err := hex.DecodeString(q.r.PathValue("sha"))
	if err != nil {
		return gone()
	}
	return q.serveBlob(b)
}
