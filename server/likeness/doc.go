// Package likeness notices that a photo looks like one that was stored before:
// the same picture compressed again, made smaller, brighter or darker, cropped
// a little, turned or mirrored (threat T8). It owns what a picture looks like
// in a kilobyte ([Sketch]), when two of them are alike ([Compare]), and the
// background work that looks at each verified photo once ([Keeper]).
//
// It never decides anything: what it finds is a doubt with its reason, for a
// person. It never changes a photo, never hands out a pixel of one, and never
// holds up an upload: a photo is looked at after its receipt.
//
// It decodes what strangers sent: pixels are counted before they are held, and
// a decoder that takes too long is stopped. Where it can't decode an original
// (HEIC, a file of too many pixels) it looks at the preview that the phone made
// of it; without one, and where a file is damaged, that it was not looked at is
// noted. The screens say both; the same bytes in two places are found all the
// same, by their hash.
package likeness
