package e2e_test

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"slices"

	"github.com/chromedp/chromedp"
	"golang.org/x/image/draw"
)

// mostPicture is the size that a picture of the README may have.
const mostPicture = 150 << 10

// snap takes one of the README's pictures, where that was asked for: what the
// tab shows, scaled to a width and to 256 colours.
func (s *story) snap(t *tab, name string, width int) {
	s.T.Helper()
	if !*updatePictures {
		return
	}
	ctx, cancel := context.WithTimeout(t.ctx, patience)
	defer cancel()
	b, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err != nil {
		s.T.Fatal(err)
	}
	img, err := png.Decode(bytes.NewReader(b))
	if err != nil {
		s.T.Fatal(err)
	}
	for ; ; width = width * 9 / 10 {
		var out bytes.Buffer
		enc := png.Encoder{CompressionLevel: png.BestCompression}
		if err := enc.Encode(&out, fewColours(scaled(img, width))); err != nil {
			s.T.Fatal(err)
		}
		if out.Len() > mostPicture {
			continue
		}
		path := filepath.Join(root(s.T), "server", "docs", "pictures", name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			s.T.Fatal(err)
		}
		if err := os.WriteFile(path, out.Bytes(), 0o644); err != nil {
			s.T.Fatal(err)
		}
		return
	}
}

func scaled(img image.Image, width int) *image.RGBA {
	b := img.Bounds()
	out := image.NewRGBA(image.Rect(0, 0, width, width*b.Dy()/b.Dx()))
	draw.CatmullRom.Scale(out, out.Bounds(), img, b, draw.Src, nil)
	return out
}

// fewColours reduces a picture to 256 colours by halving, again and again, the
// group of colours that spreads widest.
func fewColours(img *image.RGBA) *image.Paletted {
	type group []color.RGBA
	seen := map[color.RGBA]bool{}
	var all group
	for i := 0; i < len(img.Pix); i += 4 {
		c := color.RGBA{img.Pix[i] &^ 3, img.Pix[i+1] &^ 3, img.Pix[i+2] &^ 3, 255}
		if !seen[c] {
			seen[c] = true
			all = append(all, c)
		}
	}
	channel := func(c color.RGBA, n int) int { return int([3]uint8{c.R, c.G, c.B}[n]) }
	spread := func(g group) (width, n int) {
		for k := range 3 {
			low, high := 255, 0
			for _, c := range g {
				low, high = min(low, channel(c, k)), max(high, channel(c, k))
			}
			if high-low > width {
				width, n = high-low, k
			}
		}
		return width, n
	}
	groups := []group{all}
	for len(groups) < 256 {
		widest, at, by := 0, -1, 0
		for i, g := range groups {
			if w, n := spread(g); w > widest {
				widest, at, by = w, i, n
			}
		}
		if at < 0 {
			break
		}
		g := groups[at]
		slices.SortFunc(g, func(a, b color.RGBA) int { return channel(a, by) - channel(b, by) })
		groups[at] = g[:len(g)/2]
		groups = append(groups, g[len(g)/2:])
	}
	var palette color.Palette
	for _, g := range groups {
		var r, gr, b int
		for _, c := range g {
			r, gr, b = r+int(c.R), gr+int(c.G), b+int(c.B)
		}
		n := max(len(g), 1)
		palette = append(palette, color.RGBA{uint8(r / n), uint8(gr / n), uint8(b / n), 255})
	}
	out := image.NewPaletted(img.Bounds(), palette)
	draw.FloydSteinberg.Draw(out, out.Bounds(), img, image.Point{})
	return out
}
