package ink_test

import (
	"bytes"
	"errors"
	"fmt"
	"image/png"
	"strings"
	"testing"

	"siteledger/syncproto/ink"
)

// signature is what a hand draws in half a second.
const signature = "1|360|100 200 0 20 -30 16 20 -30 16 30 60 16 40 -20 18 30 30 16|400 100 200 10 80 16 10 60 16 40 -30 16"

func TestParse(t *testing.T) {
	d, err := ink.Signature(signature)
	if err != nil {
		t.Fatal(err)
	}
	if d.Height != 360 || len(d.Strokes) != 2 || len(d.Strokes[0]) != 6 || d.Strokes[1][3] != (ink.Point{X: 460, Y: 210, T: 248}) || d.String() != signature {
		t.Errorf("%+v", d)
	}
}

// TestNoDrawing are texts that a signature is not taken from.
func TestNoDrawing(t *testing.T) {
	point := " 0 0 1"
	for name, text := range map[string]string{
		"empty": "", "a typed name": "李卫东", "another version": "2" + signature[1:], "no strokes": "1|360", "an empty stroke": "1|360|",
		"two numbers": "1|360|1 2", "no number": "1|360|1 2 x", "a plus sign": "1|360|+1 2 0", "a leading zero": "1|360|01 2 0", "two spaces": "1|360|1  2 0",
		"minus nothing": "1|360|1 2 -0", "outside": "1|360|1001 2 0", "below": "1|360|1 361 0", "left of it": "1|360|-1 2 0", "back in time": "1|360|1 2 9 1 1 -1",
		"a stroke before the one before": "1|360|1 2 9 1 1 1|5 5 2", "eleven minutes": "1|360|1 2 0 1 1 600001", "huge": "1|360|99999999999999999999 2 0",
		"too high": "1|1001|1 2 0", "too low": "1|99|1 2 0", "hex": "1|0x168|1 2 0", "a script": "<script>", "more strokes than a hand makes": "1|360" + strings.Repeat("|1 2 0", 201),
		"more points": "1|360|1 2 0" + strings.Repeat(point, 4001), "more line than fits": "1|360|0 0 0" + strings.Repeat(" 1000 300 5 -1000 -300 5", 40), "newline at the end": signature + "\n", "text without end": strings.Repeat("1|360|", 3000),
	} {
		if _, err := ink.Parse(text); !errors.Is(err, ink.ErrText) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestNotDrawn are drawings that nobody signs with.
func TestNotDrawn(t *testing.T) {
	for name, text := range map[string]string{
		"a dot":              "1|360|500 100 0",
		"a tap of many":      "1|360|500 100 0" + strings.Repeat(" 0 0 30", 20),
		"all at one moment":  "1|360|0 0 0" + strings.Repeat(" 50 10 0", 12),
		"two points":         "1|360|0 0 0 900 300 400",
		"a line put in fast": "1|360|0 0 0" + strings.Repeat(" 50 10 1", 12),
	} {
		d, err := ink.Parse(text)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if err := d.Drawn(); !errors.Is(err, ink.ErrNotDrawn) {
			t.Errorf("%s counts as a signature: %v", name, err)
		}
	}
}

func TestPicture(t *testing.T) {
	d, err := ink.Signature(signature)
	if err != nil {
		t.Fatal(err)
	}
	a, err := d.PNG()
	if err != nil {
		t.Fatal(err)
	}
	b, err := d.PNG()
	if err != nil || !bytes.Equal(a, b) {
		t.Errorf("two pictures of one drawing differ: %v", err)
	}
	img, err := png.Decode(bytes.NewReader(a))
	if err != nil {
		t.Fatal(err)
	}
	if img.Bounds().Dx() != 900 || img.Bounds().Dy() != 324 || len(a) > 60<<10 {
		t.Errorf("%v, %d bytes", img.Bounds(), len(a))
	}
	if r, _, _, _ := img.At(90, 180).RGBA(); r > 0x4000 {
		t.Error("no ink where the pen began")
	}
	if r, _, _, _ := img.At(800, 20).RGBA(); r != 0xffff {
		t.Error("ink where no pen was")
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{signature, "1|360|1 2 0", "", "1|360|1 2 x", "李"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := ink.Parse(text)
		if err != nil {
			return
		}
		if d.String() != text {
			t.Errorf("%q is written as %q", text, d.String())
		}
		if len(text) < 400 {
			if _, err := d.PNG(); err != nil {
				t.Error(err)
			}
		}
	})
}

// TestScriptKeepsTheLimits: the module that browsers write a drawing with knows
// the same limits as Parse.
func TestScriptKeepsTheLimits(t *testing.T) {
	b, err := ink.Script().ReadFile("strokes.js")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{fmt.Sprintf("s.length <= %d", ink.MaxText), fmt.Sprintf("MIN_POINTS = %d;", ink.MinPoints), fmt.Sprintf("slice(0, %d)", ink.MaxStrokes),
		fmt.Sprintf("%d)", ink.MaxTime), fmt.Sprintf("p.x * %d, %d", ink.Width, ink.Width)} {
		if !strings.Contains(string(b), want) {
			t.Errorf("strokes.js lacks %q", want)
		}
	}
}
