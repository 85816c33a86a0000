package fieldwork

import "siteledger/syncproto/schema"

// What a photo of the measures below is doubted for (DE-03, DE-05). The numbers
// are guesses: they let a dim cellar through, and stop a covered lens.
const (
	// PhotoSharpness is the sharpness of 1000 below which a photo is blurred.
	PhotoSharpness = 250
	// PhotoDark and PhotoBright are the exposures of 1000 outside which nothing
	// can be made out.
	PhotoDark   = 80
	PhotoBright = 950
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
	if exposure, ok := photo.Cols["exposure"].(int64); ok {
		switch {
		case exposure < PhotoDark:
			return Dark
		case exposure > PhotoBright:
			return Bright
		}
	}
	if sharp, ok := photo.Cols["sharpness"].(int64); ok && sharp < PhotoSharpness {
		return Blurred
	}
	return NoDoubt
}
