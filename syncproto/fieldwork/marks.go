package fieldwork

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/google/uuid"
)

// Kinds of shapes that are drawn over a photo. A ruler is a stretch whose
// length somebody read off the tape measure in the picture; a length is
// measured by it.
const (
	ShapeBox    = "box"
	ShapeArrow  = "arrow"
	ShapeRuler  = "ruler"
	ShapeLength = "length"
)

// Limits of what is drawn on a photo.
const (
	MaxShapes     = 40
	maxRulerMM    = 20_000
	shortestRuler = 0.01 // of the picture's height: below it a hand's tremor is most of the figure
)

// Shape is one mark on a photo: a record beside it, never in its bytes (DE-10).
// Points are fractions of the width and height of the upright picture, so that
// they fit the original, the preview and any zoom.
type Shape struct {
	Kind  string     `json:"k"`
	At    [4]float64 `json:"p"`            // from x, y to x, y
	MM    float64    `json:"mm,omitempty"` // of a ruler as read, of a length as measured, to a tenth
	Ratio float64    `json:"r,omitempty"`  // of a ruler: the picture's width by its height
}

// What is wrong with shapes.
var (
	ErrShapes     = errors.New("no shapes")
	ErrManyShapes = errors.New("too many shapes")
	ErrRuler      = errors.New("a length without a ruler that it could be measured by")
)

// Measured checks shapes and rounds them. The length of each stretch is worked
// out by the ruler before it, whatever the shape says of itself: millimetres
// hold in the plane of the tape measure alone.
func Measured(shapes []Shape) ([]Shape, error) {
	if len(shapes) > MaxShapes {
		return nil, ErrManyShapes
	}
	out := make([]Shape, 0, len(shapes))
	var ruler *Shape
	for _, s := range shapes {
		for i, v := range s.At {
			if !(v >= 0 && v <= 1) {
				return nil, ErrShapes
			}
			s.At[i] = math.Floor(v*10000+1e-6) / 10000 // doing it again changes nothing
		}
		switch s.Kind {
		case ShapeBox, ShapeArrow:
			s.MM, s.Ratio = 0, 0
		case ShapeRuler:
			s.MM, s.Ratio = tenth(s.MM), math.Round(s.Ratio*10000)/10000
			if !(s.MM > 0 && s.MM <= maxRulerMM && s.Ratio > 0.05 && s.Ratio < 20) || s.long(s.Ratio) < shortestRuler {
				return nil, ErrRuler
			}
			ruler = &s
		case ShapeLength:
			if ruler == nil {
				return nil, ErrRuler
			}
			s.MM, s.Ratio = tenth(ruler.MM*s.long(ruler.Ratio)/ruler.long(ruler.Ratio)), 0
		default:
			return nil, ErrShapes
		}
		out = append(out, s)
	}
	return out, nil
}

func tenth(mm float64) float64 { return math.Round(mm*10) / 10 }

// long is a stretch's length in heights of the picture.
func (s Shape) long(ratio float64) float64 {
	return math.Hypot((s.At[2]-s.At[0])*ratio, s.At[3]-s.At[1])
}

// PhotoMarks is what is drawn on one photo.
type PhotoMarks struct {
	Photo  uuid.UUID
	Shapes []Shape
}

// WriteMarks is the text in which marks go with an instruction: a line for each
// photo, its id and its shapes as kind,x,y,x,y and where there are any ,mm. A
// photo whose line would not fit into most bytes is left out with those behind
// it.
func WriteMarks(all []PhotoMarks, most int) string {
	var b strings.Builder
	for _, m := range all {
		if len(m.Shapes) == 0 {
			continue
		}
		line := m.Photo.String() + " "
		for i, s := range m.Shapes {
			if i > 0 {
				line += ";"
			}
			line += s.Kind
			for _, v := range s.At {
				line += "," + strconv.FormatFloat(v, 'f', -1, 64)
			}
			if s.MM > 0 {
				line += "," + strconv.FormatFloat(s.MM, 'f', -1, 64)
			}
		}
		if b.Len() > 0 {
			line = "\n" + line
		}
		if b.Len()+len(line) > most {
			break
		}
		b.WriteString(line)
	}
	return b.String()
}

// ReadMarks reads that text. A kind that is not known is left out, so that an
// older phone shows what it can; anything else that makes no sense is an error.
func ReadMarks(text string) ([]PhotoMarks, error) {
	var out []PhotoMarks
	for _, line := range strings.Split(text, "\n") {
		if line == "" {
			continue
		}
		id, shapes, _ := strings.Cut(line, " ")
		photo, err := uuid.Parse(id)
		if err != nil || len(out) >= MaxShapes {
			return nil, fmt.Errorf("marks of %.40q: %w", id, ErrShapes)
		}
		m := PhotoMarks{Photo: photo}
		for _, one := range strings.Split(shapes, ";") {
			s, ok, err := readShape(one)
			if err != nil || len(m.Shapes) >= MaxShapes {
				return nil, fmt.Errorf("marks of %s: %w", photo, ErrShapes)
			}
			if ok {
				m.Shapes = append(m.Shapes, s)
			}
		}
		out = append(out, m)
	}
	return out, nil
}

func readShape(text string) (Shape, bool, error) {
	parts := strings.Split(text, ",")
	if len(parts) < 5 {
		return Shape{}, false, ErrShapes
	}
	s := Shape{Kind: parts[0]}
	for i := range s.At {
		v, err := strconv.ParseFloat(parts[i+1], 64)
		if err != nil || !(v >= 0 && v <= 1) {
			return s, false, ErrShapes
		}
		s.At[i] = v
	}
	if len(parts) > 5 {
		mm, err := strconv.ParseFloat(parts[5], 64)
		if err != nil || !(mm > 0 && mm <= 100*maxRulerMM) {
			return s, false, ErrShapes
		}
		s.MM = mm
	}
	switch s.Kind {
	case ShapeBox, ShapeArrow, ShapeRuler, ShapeLength:
		return s, true, nil
	}
	return s, false, nil
}
