package fieldwork

import "siteledger/syncproto/schema"

// What a photo of the measures below is doubted for (DE-03, DE-05). The numbers
// are measured (server/docs/photos.md): out of focus by 2 ‰ of its longest side
// a photo is always doubted, by 0.5 ‰ never; five stops too dark always, two
// never. Less light makes less sharpness, so that darkness is asked first.
const (
	// PhotoSharpness is the sharpness of 1000 below which a photo is blurred.
	PhotoSharpness = 300
	// PhotoDark and PhotoBright are the exposures of 1000 outside which hardly
	// anything can be made out.
	PhotoDark   = 130
	PhotoBright = 900
	// photoDim is the exposure below which a photo that is not sharp lacks light
	// rather than a steady hand.
	photoDim = 200
)

// Doubt is what is wrong with the look of a photo.
type Doubt string

// The doubts. NoDoubt is also the answer where nothing was measured, as by
// phones of schema version 1.
const (
	NoDoubt Doubt = ""
	Blurred Doubt = "blurred"
	Dark    Doubt = "dark"
	Bright  Doubt = "bright"
)

// PhotoDoubt judges a photo's row by what the phone measured. A photo without
// light is dark, not blurred: the next one needs a lamp, not a steady hand.
func PhotoDoubt(photo schema.Row) Doubt {
	exposure, lit := photo.Cols["exposure"].(int64)
	switch {
	case lit && exposure < PhotoDark:
		return Dark
	case lit && exposure > PhotoBright:
		return Bright
	}
	if sharp, ok := photo.Cols["sharpness"].(int64); ok && sharp < PhotoSharpness {
		if lit && exposure < photoDim {
			return Dark
		}
		return Blurred
	}
	return NoDoubt
}

// Unsharp says that a photo is not sharp, whatever its light: by the measure of
// today, else by that of phones of schema version 1.
func Unsharp(photo schema.Row) bool {
	if sharp, ok := photo.Cols["sharpness"].(int64); ok {
		return sharp < PhotoSharpness
	}
	n, ok := photo.Cols["blur"].(int64)
	return ok && n < MinSharpness
}
