package phone

import (
	"bytes"
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/google/uuid"

	"siteledger/syncproto"
	"siteledger/syncproto/fieldwork"
	"siteledger/syncproto/schema"
)

// markedPhoto is a photo that headquarters drew on: its preview with the marks
// over it. They came with the request to take it again, and so are here without
// a network.
type markedPhoto struct {
	thumb
	Here          bool // the preview's bytes are on this phone
	Width, Height int  // of the drawing over it
	Paths         []string
	Sizes         []markedSize
}

// markedSize is a measured length and where it is written.
type markedSize struct {
	X, Y int
	Text string
}

// markedWidth is how wide the drawing over a photo is in its own units; it has
// the photo's form and is stretched over it.
const markedWidth = 1000

// marked gives the photos of a defect that the request of a verdict has marks
// for. What cannot be read is left out: the words of the request stand anyway.
func (q *ask) marked(verdict uuid.UUID, photos []schema.Row) ([]markedPhoto, error) {
	all, err := q.app.client.Instructions(q.r.Context())
	if err != nil {
		return nil, fmt.Errorf("marks of a request: %w", err)
	}
	for _, in := range all {
		about, _ := in.Args["adjudication"].(string)
		text, _ := in.Args["marks"].(string)
		if in.Kind != syncproto.KindRetake || about != verdict.String() || text == "" {
			continue
		}
		marks, err := fieldwork.ReadMarks(text)
		if err != nil {
			return nil, nil //nolint:nilerr // see above
		}
		var out []markedPhoto
		for _, m := range marks {
			i := slices.IndexFunc(photos, func(p schema.Row) bool { return p.ID == m.Photo })
			if i < 0 || len(m.Shapes) == 0 {
				continue
			}
			out = append(out, q.drawn(photos[i], m.Shapes))
		}
		return out, nil
	}
	return nil, nil
}

func (q *ask) drawn(photo schema.Row, shapes []fieldwork.Shape) markedPhoto {
	w, h := cmp.Or(photo.Int("width"), 4), cmp.Or(photo.Int("height"), 3)
	if photo.Int("orientation") >= 5 { // it was held upright
		w, h = h, w
	}
	m := markedPhoto{thumb: q.thumbs([]schema.Row{photo})[0], Width: markedWidth, Height: min(max(int(markedWidth*h/w), markedWidth/8), markedWidth*8)}
	if b := photo.Bytes("preview"); len(b) == 32 {
		if f, err := q.app.client.OpenAttachment([32]byte(b)); err == nil {
			m.Here = f.Close() == nil
		}
	}
	for _, s := range shapes {
		m.Paths = append(m.Paths, outline(s, float64(m.Width), float64(m.Height)))
		if s.MM > 0 {
			m.Sizes = append(m.Sizes, markedSize{X: int((s.At[0] + s.At[2]) / 2 * float64(m.Width)), Y: int((s.At[1]+s.At[3])/2*float64(m.Height)) - 12,
				Text: strconv.FormatFloat(s.MM, 'f', -1, 64) + " mm"})
		}
	}
	return m
}

// outline draws a shape: a box, an arrow to its second point, or a stretch with
// its two ends.
func outline(s fieldwork.Shape, w, h float64) string {
	x1, y1, x2, y2 := s.At[0]*w, s.At[1]*h, s.At[2]*w, s.At[3]*h
	var b bytes.Buffer
	if s.Kind == fieldwork.ShapeBox {
		fmt.Fprintf(&b, "M%.0f %.0fH%.0fV%.0fH%.0fZ", x1, y1, x2, y2, x1)
		return b.String()
	}
	fmt.Fprintf(&b, "M%.0f %.0fL%.0f %.0f", x1, y1, x2, y2)
	turn := math.Atan2(y2-y1, x2-x1)
	wing := func(x, y, by float64) {
		fmt.Fprintf(&b, "M%.0f %.0fL%.0f %.0f", x, y, x-42*math.Cos(turn+by), y-42*math.Sin(turn+by))
	}
	if s.Kind == fieldwork.ShapeArrow {
		wing(x2, y2, .45)
		wing(x2, y2, -.45)
		return b.String()
	}
	for _, end := range [][2]float64{{x1, y1}, {x2, y2}} {
		wing(end[0], end[1], math.Pi/2)
		wing(end[0], end[1], -math.Pi/2)
	}
	return b.String()
}
