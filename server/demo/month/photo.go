package month

import (
	"fmt"
	"time"

	"github.com/google/uuid"

	"siteledger/server/demo/scene"
	"siteledger/syncproto"
)

// signature is the picture of a customer's signature. Visits of the last days
// have each their own; the older ones of a phone share a few, which saves the
// sample some hundred files that nobody looks at.
func (b *builder) signature(v *visit) *Blob {
	seed := b.rng.Uint64()
	if v.start.After(b.midnight(-ownSignatures)) {
		return draw(seed)
	}
	k := signatureKey{v.phone, seed % 4}
	if b.signatures[k] == nil {
		b.signatures[k] = draw(seed)
	}
	return b.signatures[k]
}

// ownSignatures is for how many days before today every visit has a signature
// picture of its own.
const ownSignatures = photoDays

type signatureKey struct {
	phone *Phone
	n     uint64
}

func draw(seed uint64) *Blob {
	return &Blob{Purpose: syncproto.PurposeSignature, Type: "image/png", Draw: func(*scene.Studio) ([]byte, error) { return scene.Signature(seed) }}
}

// Shot is one photograph of the sample data.
type shot struct {
	role      string
	scene     uint64
	bedroom   bool
	fault     scene.Fault
	view      scene.View
	large     bool
	samePlane bool
	defect    uuid.UUID
	retakeOf  uuid.UUID
	wrong     string // with where it was taken
}

// photo takes a photograph: its row, the original and, of a defect, the
// preview.
func (b *builder) photo(v *visit, s shot, at time.Time) uuid.UUID {
	v.photos++
	w, h := 640, 480
	if s.large {
		w, h = 4000, 3000
	}
	orientation := []int{1, 1, 1, 6, 3, 8}[b.rng.IntN(6)]
	taken := at.Add(v.phone.Offset)
	spec := scene.Spec{
		Seed: s.scene, ID: fmt.Sprintf("%s %s-%d", v.job.no, s.role, v.photos), Bedroom: s.bedroom, Fault: s.fault, View: s.view,
		Width: w, Height: h, Orientation: orientation, Taken: taken, Model: v.phone.Model,
	}
	original := &Blob{Purpose: syncproto.PurposePhoto, Type: "image/jpeg", Draw: func(st *scene.Studio) ([]byte, error) { return st.Photo(spec), nil }}
	id := b.id(at)
	cols := map[string]any{
		"job": raw(v.job.id), "visit": raw(v.id), "role": s.role, "original": shaOf{original}, "original_size": sizeOf{original}, "original_type": "image/jpeg",
		"width": int64(w), "height": int64(h), "orientation": int64(orientation),
		"taken_at": ms(taken), "blur": int64(180 + b.rng.IntN(700)), "source": "camera",
	}
	files := []*Blob{original}
	if s.defect != uuid.Nil {
		// The ordinary pictures are as small as a preview would be.
		preview := &Blob{Purpose: syncproto.PurposePreview, Type: "image/jpeg", Draw: func(st *scene.Studio) ([]byte, error) { return st.Preview(spec), nil }}
		cols["defect"], cols["preview"], cols["preview_size"] = raw(s.defect), shaOf{preview}, sizeOf{preview}
		files = []*Blob{preview, original}
	}
	if s.retakeOf != uuid.Nil {
		cols["retake_of"] = raw(s.retakeOf)
	}
	if s.samePlane {
		cols["same_plane"] = true
	}
	b.placed(v, s, taken, cols)
	v.record(at, insert("photo", id, cols)).Blobs = files
	return id
}

// album takes the ordinary photographs of a visit: the home as it was found
// and as it was left.
func (b *builder) album(v *visit, shots ...shot) {
	if v.start.Before(b.midnight(-b.albumDays)) {
		return // phones and centre keep only what the sample is about
	}
	for _, s := range shots {
		at := v.leave.Add(b.between(20*time.Second, 2*time.Minute))
		b.photo(v, s, at)
		v.leave = at
	}
}

// photoDays is for how many days before today ordinary visits have their
// photographs in the sample; cases have theirs all month.
const photoDays = 4
