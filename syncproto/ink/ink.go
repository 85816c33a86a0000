// Package ink is a signature that was drawn by hand: the strokes as the pen or
// the finger made them, what makes them a drawing, and the picture of them.
//
// The strokes are the evidence, the picture is made from them in the same way on
// both ends; nobody can send a picture that is not what was drawn. The package
// must never repair a drawing or judge whose hand it was. It is pure: no clock,
// no randomness.
package ink

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Width is how wide every pad is, in its own units. All x lie in it.
const Width = 1000

// What a drawing may be at most. MaxText is in bytes, MaxTime in milliseconds.
const (
	MaxText    = 16000
	MaxStrokes = 200
	MaxPoints  = 4000
	MaxTime    = 10 * 60 * 1000
	MaxLength  = 60_000 // of the line in all, in units: some sixty times across the pad
	minHeight  = 100
	maxHeight  = 1000
)

// What a drawing is at least: a dot, a tap, or points that were put down at one
// moment are no signature. The numbers are guesses, far below any name.
const (
	MinPoints = 8
	MinLength = 150 // of the line in all, in units of the pad
	MinTime   = 120 // from the first point to the last, in milliseconds
)

// version begins the text of every drawing.
const version = "1"

// ErrText is wrapped where a text is no drawing in the one spelling of it.
var ErrText = errors.New("ink: not the text of a drawing")

// ErrNotDrawn says that there is not enough ink for a signature.
var ErrNotDrawn = errors.New("ink: too little was drawn")

// Point is a place on the pad, in its units, and when the pen was there, in
// milliseconds since the first point of the drawing.
type Point struct{ X, Y, T int }

// Drawing is what was drawn on a pad of Width by Height units.
type Drawing struct {
	Height  int
	Strokes [][]Point
}

// Parse reads a drawing. Its text is `1|HEIGHT|STROKE|STROKE…`, a stroke the
// decimal numbers `x y t` of its first point and for each further one the
// differences to the point before, all parted by one space. A drawing has one
// text: any other spelling is refused, with [ErrText].
func Parse(text string) (Drawing, error) {
	var d Drawing
	if len(text) > MaxText {
		return d, fmt.Errorf("%w: %d bytes", ErrText, len(text))
	}
	parts := strings.Split(text, "|")
	if len(parts) < 3 || len(parts)-2 > MaxStrokes || parts[0] != version {
		return d, fmt.Errorf("%w: %d parts", ErrText, len(parts))
	}
	var err error
	if d.Height, err = strconv.Atoi(parts[1]); err != nil || d.Height < minHeight || d.Height > maxHeight {
		return d, fmt.Errorf("%w: height", ErrText)
	}
	points, last, length := 0, 0, 0.0
	for _, part := range parts[2:] {
		s, err := d.stroke(part, last)
		if err != nil {
			return Drawing{}, err
		}
		if points += len(s); points > MaxPoints {
			return Drawing{}, fmt.Errorf("%w: more than %d points", ErrText, MaxPoints)
		}
		if length += lengthOf(s); length > MaxLength {
			return Drawing{}, fmt.Errorf("%w: more line than fits", ErrText)
		}
		last = s[len(s)-1].T
		d.Strokes = append(d.Strokes, s)
	}
	if d.String() != text {
		return Drawing{}, fmt.Errorf("%w: another spelling", ErrText)
	}
	return d, nil
}

// stroke reads one stroke that begins no earlier than after.
func (d Drawing) stroke(text string, after int) ([]Point, error) {
	numbers := strings.Split(text, " ")
	if len(numbers)%3 != 0 || len(numbers) > 3*MaxPoints {
		return nil, fmt.Errorf("%w: a stroke of %d numbers", ErrText, len(numbers))
	}
	out := make([]Point, 0, len(numbers)/3)
	var p Point
	for i := 0; i < len(numbers); i += 3 {
		var n [3]int
		for k := range n {
			v, err := strconv.Atoi(numbers[i+k])
			if err != nil || v > MaxTime || v < -MaxTime {
				return nil, fmt.Errorf("%w: %q", ErrText, numbers[i+k])
			}
			n[k] = v
		}
		p = Point{p.X + n[0], p.Y + n[1], p.T + n[2]}
		if p.X < 0 || p.X > Width || p.Y < 0 || p.Y > d.Height || p.T < after || p.T > MaxTime {
			return nil, fmt.Errorf("%w: a point outside the pad, or back in time", ErrText)
		}
		after = p.T
		out = append(out, p)
	}
	return out, nil
}

// String is the one text of a drawing.
func (d Drawing) String() string {
	var b strings.Builder
	b.WriteString(version + "|" + strconv.Itoa(d.Height))
	for _, s := range d.Strokes {
		b.WriteByte('|')
		var at Point
		for i, p := range s {
			if i > 0 {
				b.WriteByte(' ')
			}
			fmt.Fprintf(&b, "%d %d %d", p.X-at.X, p.Y-at.Y, p.T-at.T)
			at = p
		}
	}
	return b.String()
}

// Drawn says whether this is a signature at all; [ErrNotDrawn] where it is not.
func (d Drawing) Drawn() error {
	points, length := 0, 0.0
	first, last := math.MaxInt, 0
	for _, s := range d.Strokes {
		points += len(s)
		length += lengthOf(s)
		for _, p := range s {
			first, last = min(first, p.T), max(last, p.T)
		}
	}
	if points < MinPoints || length < MinLength || last-first < MinTime {
		return ErrNotDrawn
	}
	return nil
}

func lengthOf(s []Point) float64 {
	length := 0.0
	for i := 1; i < len(s); i++ {
		length += math.Hypot(float64(s[i].X-s[i-1].X), float64(s[i].Y-s[i-1].Y))
	}
	return length
}

// Signature reads a text that must be a signature: a drawing with enough ink.
func Signature(text string) (Drawing, error) {
	d, err := Parse(text)
	if err != nil {
		return Drawing{}, err
	}
	return d, d.Drawn()
}
