// Package picture looks at the bytes of a photo that a phone is about to keep
// as evidence: which format they are, how large, how turned, how sharp, and a
// small preview for slow networks.
//
// It never changes the bytes it is given: the original is stored as it came,
// and everything made here is a derivative (DE-10). Bytes that are no picture,
// or a picture that breaks off, are refused with an error that says which. It
// decodes nothing that claims more than [MaxPixels], so a small hostile file
// can't fill the phone's memory.
package picture
