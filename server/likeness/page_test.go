package likeness_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"siteledger/server/likeness"
)

var update = flag.Bool("update", false, "write the figures into server/docs/photos.md and its plot anew")

const (
	docs = "../docs"
	from = "<!-- likeness: go test ./server/likeness -run CopiesAreFound -update -->"
	to   = "<!-- end of likeness -->"
)

// page writes the figures into the documentation, or holds it to the threshold
// that it names.
func page(t *testing.T, copies, others []trial, foreign trial) {
	t.Helper()
	path := filepath.Join(docs, "photos.md")
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text := string(b)
	i, j := strings.Index(text, from), strings.Index(text, to)
	if i < 0 || j < i {
		t.Fatalf("%s has no place for the figures", path)
	}
	if !*update {
		if want := fmt.Sprintf("| threshold | %d of 256 |", likeness.Threshold); !strings.Contains(text[i:j], want) {
			t.Errorf("%s does not say %q; write it anew with -update", path, want)
		}
		return
	}
	if err := os.WriteFile(path, []byte(text[:i]+from+"\n"+table(copies, others, foreign)+text[j:]), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(docs, "pictures", "likeness.svg"), []byte(plot(copies, foreign)), 0o644); err != nil {
		t.Fatal(err)
	}
}

func table(copies, others []trial, foreign trial) string {
	var b strings.Builder
	fmt.Fprintf(&b, "\n| | |\n|---|---|\n| threshold | %d of 256 |\n| photos of the corpus | %d rooms, 4 views each |\n\n", likeness.Threshold, corpusRooms)
	b.WriteString("| what was done to the photo | photos | found |\n|---|---|---|\n")
	for _, k := range copies {
		fmt.Fprintf(&b, "| %s %s | %d | %.0f %% |\n", k.zh, k.name, k.n, 100*k.share(likeness.Threshold))
	}
	b.WriteString("\n| two photos that have nothing to do with each other | pairs | taken as alike |\n|---|---|---|\n")
	for _, k := range others {
		fmt.Fprintf(&b, "| %s %s | %d | %.2f %% |\n", k.zh, k.name, k.n, 100*k.share(likeness.Threshold))
	}
	fmt.Fprintf(&b, "| 别家,合计 all pairs of other rooms | %d | %.3f %% |\n\n", foreign.n, 100*foreign.share(likeness.Threshold))
	return b.String()
}

// plot draws, over the threshold, which share of the copies is found and which
// share of the strangers is taken as alike.
func plot(copies []trial, foreign trial) string {
	const w, h, left, top, most = 640.0, 300.0, 56.0, 46.0, 40
	x := func(threshold int) float64 { return left + w*float64(threshold)/most }
	y := func(share float64) float64 { return top + h*(1-share) }
	line := func(colour string, at func(int) float64) string {
		var b strings.Builder
		for k := range most + 1 {
			fmt.Fprintf(&b, "%.1f,%.1f ", x(k), y(at(k)))
		}
		return fmt.Sprintf("<polyline fill=\"none\" stroke=\"%s\" stroke-width=\"2\" points=\"%s\"/>\n", colour, strings.TrimSpace(b.String()))
	}
	mean := func(cropped bool) func(int) float64 {
		return func(k int) float64 {
			sum, n := 0.0, 0.0
			for i := range copies {
				if strings.HasPrefix(copies[i].name, "cropped") == cropped {
					sum += copies[i].share(k)
					n++
				}
			}
			return sum / n
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %.0f %.0f\" font-family=\"sans-serif\" font-size=\"12\" fill=\"#222\">\n<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n", left+w+24, top+h+52)
	for i := range 6 {
		share := float64(i) / 5
		fmt.Fprintf(&b, "<line x1=\"%.0f\" y1=\"%.1f\" x2=\"%.0f\" y2=\"%.1f\" stroke=\"#ddd\"/><text x=\"%.0f\" y=\"%.1f\" text-anchor=\"end\">%.0f %%</text>\n", left, y(share), left+w, y(share), left-6, y(share)+4, 100*share)
	}
	for k := 0; k <= most; k += 5 {
		fmt.Fprintf(&b, "<text x=\"%.1f\" y=\"%.0f\" text-anchor=\"middle\">%d</text>\n", x(k), top+h+18, k)
	}
	fmt.Fprintf(&b, "<text x=\"%.0f\" y=\"%.0f\" text-anchor=\"middle\">距离(0 相同,128 无关) distance: 0 the same, 128 what chance gives</text>\n", left+w/2, top+h+40)
	fmt.Fprintf(&b, "<line x1=\"%.1f\" y1=\"%.0f\" x2=\"%.1f\" y2=\"%.0f\" stroke=\"#444\" stroke-dasharray=\"4 4\"/><text x=\"%.1f\" y=\"%.0f\">阈值 threshold %d</text>\n", x(likeness.Threshold), top, x(likeness.Threshold), top+h, x(likeness.Threshold)+6, top+h-90, likeness.Threshold)
	b.WriteString(line("#0a7a4b", mean(false)) + line("#c98a00", mean(true)) + line("#c0392b", foreign.share))
	for i, l := range [][2]string{{"#0a7a4b", "压缩、缩放、明暗、旋转:找到 copies, recompressed, scaled, relit, turned: found"}, {"#c98a00", "裁边:找到 cropped copies: found"}, {"#c0392b", "别家的照片:误报 other rooms: false alarms"}} {
		fmt.Fprintf(&b, "<rect x=\"%.0f\" y=\"%.0f\" width=\"12\" height=\"3\" fill=\"%s\"/><text x=\"%.0f\" y=\"%.0f\">%s</text>\n", left, 8+float64(i)*14, l[0], left+18, 13+float64(i)*14, l[1])
	}
	b.WriteString("</svg>\n")
	return b.String()
}
