// Package scene draws the photographs and signatures of the sample data: a
// kitchen or a wardrobe with one faulty panel, seen whole or close up, as the
// JPEG file that a phone's camera would have written.
//
// A picture is a function of its [Spec] and nothing else: the same seed gives
// the same bytes on every machine. Every picture carries its id burned into
// its pixels, so that a mix-up is visible on a screen and in a test, and EXIF
// with orientation, camera and time. The package draws no real place and no
// real person, reads no clock and keeps no state.
//
// Twelve megapixels have to be ready in a few dozen milliseconds, so the
// drawing is done where JPEG lives: a block that lies inside one surface gets
// its brightness and slope by arithmetic and its grain from a table of
// ready-coded blocks; only blocks that an edge crosses are drawn pixel by
// pixel.
package scene
