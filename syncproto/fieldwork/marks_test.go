package fieldwork_test

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/google/uuid"

	"siteledger/syncproto/fieldwork"
)

// TestMeasuredByTheRuler: 100 mm on the tape measure, in a picture of 4:3, say
// how long anything else in its plane is; what the browser says is not asked.
func TestMeasuredByTheRuler(t *testing.T) {
	ruler := fieldwork.Shape{Kind: "ruler", At: [4]float64{0.1, 0.5, 0.4, 0.5}, MM: 100, Ratio: 4.0 / 3}
	got, err := fieldwork.Measured([]fieldwork.Shape{{Kind: "box", At: [4]float64{0, 0, 1, 1}, MM: 7}, ruler,
		{Kind: "length", At: [4]float64{0.1, 0.1, 0.7, 0.1}, MM: 9999}, {Kind: "length", At: [4]float64{0.2, 0.2, 0.2, 0.6}}})
	if err != nil {
		t.Fatal(err)
	}
	if got[0].MM != 0 || got[2].MM != 200 || got[3].MM != 100 {
		t.Errorf("%+v", got)
	}
}

// TestShapesThatAreRefused: each is refused with what is wrong.
func TestShapesThatAreRefused(t *testing.T) {
	ok := [4]float64{0, 0, 1, 1}
	many := make([]fieldwork.Shape, fieldwork.MaxShapes+1)
	for name, c := range map[string]struct {
		in   []fieldwork.Shape
		want error
	}{
		"outside":                  {[]fieldwork.Shape{{Kind: "box", At: [4]float64{0, 0, 1.2, 1}}}, fieldwork.ErrShapes},
		"no number":                {[]fieldwork.Shape{{Kind: "box", At: [4]float64{0, math.NaN(), 1, 1}}}, fieldwork.ErrShapes},
		"unknown":                  {[]fieldwork.Shape{{Kind: "<script>", At: ok}}, fieldwork.ErrShapes},
		"many":                     {many, fieldwork.ErrManyShapes},
		"no ruler":                 {[]fieldwork.Shape{{Kind: "length", At: ok}}, fieldwork.ErrRuler},
		"a ruler of no length":     {[]fieldwork.Shape{{Kind: "ruler", At: [4]float64{.5, .5, .5, .5}, MM: 10, Ratio: 1}}, fieldwork.ErrRuler},
		"a ruler of no millimetre": {[]fieldwork.Shape{{Kind: "ruler", At: ok, Ratio: 1}}, fieldwork.ErrRuler},
		"a ruler of a mile":        {[]fieldwork.Shape{{Kind: "ruler", At: ok, MM: 1e9, Ratio: 1}}, fieldwork.ErrRuler},
		"no picture is like that":  {[]fieldwork.Shape{{Kind: "ruler", At: ok, MM: 10, Ratio: math.Inf(1)}}, fieldwork.ErrRuler},
	} {
		if _, err := fieldwork.Measured(c.in); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

// TestMarksTravelAsText: what is written is read again, what does not fit is
// left out whole, and what is no marks is an error and never a panic.
func TestMarksTravelAsText(t *testing.T) {
	a, b := uuid.New(), uuid.New()
	in := []fieldwork.PhotoMarks{{Photo: a, Shapes: []fieldwork.Shape{{Kind: "box", At: [4]float64{0.1, 0.2, 0.3, 0.4}}, {Kind: "length", At: [4]float64{0, 0, 1, 1}, MM: 12.5}}},
		{Photo: b, Shapes: []fieldwork.Shape{{Kind: "arrow", At: [4]float64{0.5, 0.5, 0.6, 0.6}}}}}
	text := fieldwork.WriteMarks(in, 3000)
	out, err := fieldwork.ReadMarks(text)
	if err != nil || len(out) != 2 || out[0].Photo != a || out[0].Shapes[1] != in[0].Shapes[1] || out[1].Shapes[0] != in[1].Shapes[0] {
		t.Fatalf("%q became %+v, %v", text, out, err)
	}
	if short := fieldwork.WriteMarks(in, len(text)-1); strings.Contains(short, b.String()) || !strings.Contains(short, a.String()) {
		t.Errorf("%q", short)
	}
	if out, err := fieldwork.ReadMarks(a.String() + " circle,0.1,0.1,0.2,0.2;box,0,0,1,1"); err != nil || len(out[0].Shapes) != 1 {
		t.Errorf("a shape of tomorrow: %+v, %v", out, err)
	}
	for _, bad := range []string{"x", a.String(), a.String() + " box", a.String() + " box,0,0,1,2", a.String() + " box,0,0,1,NaN", a.String() + " ruler,0,0,1,1,-4",
		a.String() + " " + strings.Repeat("box,0,0,1,1;", 50) + "box,0,0,1,1"} {
		if out, err := fieldwork.ReadMarks(bad); err == nil {
			t.Errorf("%.60q became %+v", bad, out)
		}
	}
}

func FuzzReadMarks(f *testing.F) {
	f.Add("018f0000-0000-7000-8000-000000000001 box,0.1,0.2,0.3,0.4;length,0,0,1,1,12.5")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := fieldwork.ReadMarks(text)
		if err != nil {
			return
		}
		again, err := fieldwork.ReadMarks(fieldwork.WriteMarks(got, 1<<20))
		if err != nil {
			t.Fatalf("%q is read once and not twice: %v", text, err)
		}
		_ = again
	})
}
