package centre

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"siteledger/syncproto/schema"
)

func TestCompareMarksTheOneDigit(t *testing.T) {
	l, r := compare("13800001234", "13800001284")
	if len(l) != 3 || l[1].Text != "3" || l[1].Same || r[1].Text != "8" {
		t.Fatalf("%v %v", l, r)
	}
}

func TestCompareTimesPlaceByPlace(t *testing.T) {
	l, r := compare("2026-11-18 14:30", "2026-11-18 13:15")
	if len(l) != 4 || l[1].Text != "4" || l[3].Text != "30" || r[3].Text != "15" {
		t.Fatalf("%v %v", l, r)
	}
}

// Whatever is compared, each side reads as itself, and what is marked as
// shared is the same on both.
func TestCompareLosesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.StringOf(rapid.RuneFrom([]rune("ab𠮷12"))).Draw(t, "a"), rapid.StringOf(rapid.RuneFrom([]rune("ab𠮷12"))).Draw(t, "b")
		l, r := compare(a, b)
		text := func(p []piece, all bool) string {
			var s strings.Builder
			for _, x := range p {
				if all || x.Same {
					s.WriteString(x.Text)
				}
			}
			return s.String()
		}
		if text(l, true) != a || text(r, true) != b {
			t.Fatalf("%q %q became %v %v", a, b, l, r)
		}
		if text(l, false) != text(r, false) {
			t.Fatalf("shared parts differ: %v %v", l, r)
		}
	})
}

func TestFenIsExact(t *testing.T) {
	for text, want := range map[string]any{"120": int64(12000), "¥0.05": int64(5), "19.9": int64(1990), "1.234": nil, "-5": nil, "1e3": nil, "": nil, "99999999999": nil} {
		got, err := fen(text)
		if want == nil {
			if err == nil {
				t.Errorf("%q became %v", text, got)
			}
			continue
		}
		if err != nil || got != want {
			t.Errorf("%q became %v, %v", text, got, err)
		}
	}
}

func TestEveryColumnCanBeShownAndTyped(t *testing.T) {
	for _, tab := range schema.MustCurrent().Tables {
		for _, c := range tab.Columns {
			switch k := editKind(c); k {
			case "", "text", "long", "number", "money", "time", "bool", "choice":
			default:
				t.Errorf("%s.%s: unknown field %q", tab.Name, c.Name, k)
			}
		}
	}
}

func TestFillLeavesNoGap(t *testing.T) {
	lines := fill([]slipLine{{Label: "a"}, {Label: "b"}, {Label: "c"}, {Label: "d", Wide: true}, {Label: "e"}})
	narrow := 0
	for _, l := range lines {
		if !l.Wide {
			narrow++
		} else if narrow%2 != 0 {
			t.Fatalf("gap before %s", l.Label)
		}
	}
	if narrow%2 != 0 {
		t.Fatal("gap at the end")
	}
}
