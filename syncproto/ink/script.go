package ink

import "embed"

//go:embed strokes.js
var script embed.FS

// Script holds strokes.js, the one module that writes down in a browser what
// was drawn on a pad, in the text that [Parse] reads. Phones and desks serve
// the same bytes.
func Script() embed.FS { return script }
