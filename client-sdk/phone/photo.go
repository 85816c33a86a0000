package phone

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

	clientsdk "siteledger/client-sdk"
	"siteledger/client-sdk/phone/picture"
	"siteledger/syncproto"
	"siteledger/syncproto/fieldwork"
	"siteledger/syncproto/schema"
)

// maxPhoto bounds the body of a photo form: the photo, its preview and a few
// fields.
const maxPhoto = 50<<20 + 1<<20

// typicalPhoto is the room that must be free before the camera opens, in bytes.
const typicalPhoto = 8 << 20

// shot is one place for a photo: a role, what is there already, and the camera.
type shot struct {
	Action  string
	Role    string
	Label   string
	Hint    string
	Icon    string
	Back    string
	Defect  string
	Retake  string
	Need    bool   // the rule pack wants it and it is not there
	Whole   bool   // asks whether the whole crack is in it (DE-04)
	Plane   bool   // asks whether both parts lie in one plane (DE-05)
	Gallery bool   // from the album, marked so
	Full    string // why no photo can be taken now; empty where one can
	Got     []thumb
}

// thumb is one small picture and how far its original has come.
type thumb struct {
	ID      uuid.UUID
	Role    string
	Preview bool
	Word    string
	Tone    string
	Icon    string
}

// roleIcon is the shape of a photo's role.
func roleIcon(role string) string {
	switch role {
	case "full", "close", "compare", "scale", "before", "after", "receipt":
		return role
	case "entrance":
		return "door"
	case "nameplate":
		return "plate"
	case "oldpart":
		return "box"
	case "warranty":
		return "shield"
	}
	return "camera"
}

// shots makes the places for some roles. Photos of a defect are its own; those
// of no defect are the visit's.
func (q *ask) shots(f *jobFile, back string, defect uuid.UUID, roles ...string) []shot {
	full := ""
	if err := q.app.client.CanCapture(q.r.Context(), typicalPhoto); err != nil {
		full = clientsdk.Explain(err, q.lang)
	}
	photos := f.photosOf(defect)
	out := make([]shot, 0, len(roles))
	for _, role := range roles {
		s := shot{
			Action: "/job/" + f.Job.ID.String() + "/photo", Role: role, Label: q.valueOf("photo", "role", role),
			Icon: roleIcon(role), Back: back, Full: full, Gallery: q.r.URL.Query().Get("source") == "gallery",
		}
		if hint, ok := q.dict["shot."+role]; ok {
			s.Hint = hint
		}
		if defect != uuid.Nil {
			s.Defect = defect.String()
		}
		var own []schema.Row
		for _, p := range photos {
			mine := f.Visit == nil || defect != uuid.Nil || p.UUID("visit") == f.Visit.Visit.ID
			if p.Text("role") == role && mine {
				own = append(own, p)
			}
		}
		s.Got = q.thumbs(own)
		out = append(out, s)
	}
	return out
}

// thumbs shows photos with the state of their originals.
func (q *ask) thumbs(photos []schema.Row) []thumb {
	states := q.uploadStates()
	out := make([]thumb, 0, len(photos))
	for _, p := range photos {
		t := thumb{ID: p.ID, Role: q.valueOf("photo", "role", p.Text("role")), Preview: p.Bytes("preview") != nil}
		if b := p.Bytes("original"); len(b) == 32 {
			if s, ok := states[[32]byte(b)]; ok {
				t.Word, t.Tone, t.Icon = q.uploadWords(s)
			}
		}
		out = append(out, t)
	}
	return out
}

// uploadStates is how far each blob of this phone has come; empty where the
// status can't be read, since a page is worth more than its marks.
func (q *ask) uploadStates() map[[32]byte]clientsdk.UploadState {
	out := map[[32]byte]clientsdk.UploadState{}
	st, err := q.app.client.Status(q.r.Context())
	if err != nil {
		return out
	}
	for _, u := range st.Uploads {
		out[u.SHA256] = u.State
	}
	return out
}

// photoForm is what came with a photo.
type photoForm struct {
	role, source   string
	defect, retake uuid.UUID
	plane          bool
	whole          bool // the whole crack is in the picture (DE-04)
	original       []byte
	preview        []byte
	back           string
	reason         string // why a blurred or dark photo is kept
}

// takePhoto serves POST /job/{job}/photo: checks the bytes, stores them
// unchanged with a preview, and records the photo.
func takePhoto(q *ask) error {
	job, err := q.pathID("job")
	if err != nil {
		return err
	}
	form, err := q.photoForm(job)
	if err != nil {
		return err
	}
	facts, err := picture.Inspect(form.original, form.preview, q.zone)
	switch {
	case errors.Is(err, picture.ErrEmpty):
		return no("wrong.photo_none")
	case errors.Is(err, picture.ErrNotPicture):
		return no("wrong.photo_kind")
	case err != nil:
		return no("wrong.photo_cut")
	}
	return q.addPhoto(job, form, facts)
}

// addPhoto stores a photo's bytes and records it, or asks first whether a
// blurred or dark one is to be kept: it can be taken again as long as the
// photographer stands there (DE-03).
func (q *ask) addPhoto(job uuid.UUID, form photoForm, facts picture.Facts) error {
	cols, err := q.storePhoto(form, facts)
	if err != nil {
		return err
	}
	if form.reason == "" && fieldwork.PhotoDoubt(schema.Row{Cols: cols}) != fieldwork.NoDoubt {
		return q.to(q.keepLink(job, form, cols), "")
	}
	if err := q.recordPhoto(job, form, cols, facts.Spot); err != nil {
		return err
	}
	said := "photo"
	if fieldwork.Unsharp(schema.Row{Cols: cols}) {
		said = "photo_blur"
	}
	return q.to(form.back, said)
}

func (q *ask) photoForm(job uuid.UUID) (photoForm, error) {
	var f photoForm
	q.r.Body = http.MaxBytesReader(q.w, q.r.Body, maxPhoto)
	if err := q.r.ParseMultipartForm(maxPhoto); err != nil {
		var big *http.MaxBytesError
		if errors.As(err, &big) {
			return f, err
		}
		return f, no("wrong.photo_cut")
	}
	if err := q.photoFields(job, &f); err != nil {
		return f, err
	}
	var err error
	if f.original, err = q.filePart("photo", syncproto.DefaultLimits().MaxPhotoBytes); err != nil {
		return f, err
	}
	f.preview, err = q.filePart("preview", picture.MaxPreviewBytes)
	return f, err
}

// photoFields reads what a form says of a photo beside its bytes.
func (q *ask) photoFields(job uuid.UUID, f *photoForm) error {
	var err error
	if f.role, err = q.choice("role", "photo", "role"); err != nil || f.role == "" {
		return no("wrong.form")
	}
	f.source = "camera"
	if q.field("source", 20) == "gallery" {
		f.source = "gallery"
	}
	f.plane, f.whole = q.ticked("same_plane"), q.ticked("whole")
	for name, into := range map[string]*uuid.UUID{"defect": &f.defect, "retake_of": &f.retake} {
		if v := q.field(name, 40); v != "" {
			if *into, err = uuid.Parse(v); err != nil {
				return no("wrong.form")
			}
		}
	}
	f.back = "/job/" + job.String()
	if back := q.field("back", 300); strings.HasPrefix(back, f.back) {
		f.back = back
	}
	return nil
}

// filePart reads one file of the form; nil where it is not there.
func (q *ask) filePart(name string, max int64) ([]byte, error) {
	file, _, err := q.r.FormFile(name)
	if errors.Is(err, http.ErrMissingFile) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	defer func() { _ = file.Close() }()
	b, err := io.ReadAll(io.LimitReader(file, max+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if int64(len(b)) > max {
		return nil, no("wrong.photo_big")
	}
	return b, nil
}

// storePhoto puts the bytes into the photo store, the original first, and gives
// the columns that describe them. Bytes without a row do no harm.
func (q *ask) storePhoto(form photoForm, facts picture.Facts) (map[string]any, error) {
	original, err := q.app.client.Attach(q.r.Context(), bytes.NewReader(form.original), syncproto.PurposePhoto, facts.Type)
	if err != nil {
		return nil, fmt.Errorf("store photo: %w", err)
	}
	taken := facts.TakenAt
	if now := q.now(); taken.IsZero() || taken.After(now.Add(time.Hour)) {
		taken = now
	}
	cols := map[string]any{
		"role": form.role, "source": form.source,
		"original": original.SHA256[:], "original_size": original.Size, "original_type": facts.Type,
		"orientation": int64(facts.Orientation), "taken_at": taken.UnixMilli(),
	}
	if facts.Width > 0 && facts.Width <= 100_000 && facts.Height > 0 && facts.Height <= 100_000 {
		cols["width"], cols["height"] = int64(facts.Width), int64(facts.Height)
	}
	if form.plane {
		cols["same_plane"] = true
	}
	if form.whole {
		cols["whole"] = true
	}
	if facts.Quality != nil {
		cols["sharpness"], cols["exposure"] = facts.Quality.Sharpness, facts.Quality.Exposure
	}
	if form.reason != "" {
		cols["kept_reason"] = form.reason
	}
	if facts.Preview == nil {
		return cols, nil
	}
	preview, err := q.app.client.Attach(q.r.Context(), bytes.NewReader(facts.Preview), syncproto.PurposePreview, "image/jpeg")
	if err != nil {
		return nil, fmt.Errorf("store preview: %w", err)
	}
	cols["preview"], cols["preview_size"], cols["blur"] = preview.SHA256[:], preview.Size, facts.Sharpness
	return cols, nil
}

// recordPhoto writes the photo's row: to the open visit, to a defect of this
// job, or as the answer to a judge's request. spot is what the file says of its
// place.
func (q *ask) recordPhoto(job uuid.UUID, form photoForm, cols map[string]any, spot *picture.Spot) error {
	return q.change(func(e *clientsdk.Edit, f *jobFile) error {
		cols["job"] = job
		if form.defect != uuid.Nil {
			if _, ok := f.defect(form.defect); !ok {
				return gone()
			}
			cols["defect"] = form.defect
		}
		if form.retake != uuid.Nil {
			v, ok := f.verdict(form.defect)
			if !ok || v.ID != form.retake {
				return no("wrong.retake_over")
			}
			cols["retake_of"] = form.retake
		}
		if f.Visit != nil {
			cols["visit"] = f.Visit.Visit.ID
		} else if form.retake == uuid.Nil {
			return no("wrong.arrive")
		}
		sha, _ := cols["original"].([]byte)
		for _, p := range f.Photos { // the same form again
			if sameBlob(p, "original", [32]byte(sha)) && p.Text("role") == form.role && p.UUID("defect") == form.defect && p.UUID("retake_of") == form.retake && p.Bool("same_plane") == form.plane && p.Bool("whole") == form.whole {
				return nil
			}
		}
		q.photoPlace(f, cols, spot)
		if _, err := e.Insert("photo", cols); err != nil {
			return fmt.Errorf("photo: %w", err)
		}
		return nil
	})
}
