// Package pack spells a batch of changes in fewer bytes for the way to the
// server (PROTOCOL.md, section 4, "The packed form"): what repeats from change
// to change is left out, names and ids stand once, and bytes of one kind lie
// together, where a compressor finds them.
//
// It is another spelling and nothing else: [Unpack] gives the very bytes that
// [Pack] was given, whatever they are; a change that is not written as the
// protocol wants it travels as it is. It must never judge a change, never hold
// more than its caller allowed, and never take longer than its caller's bytes
// are worth. Both ends keep the same small memory of what came before, which
// lives as long as the batch.
package pack

import "errors"

// Errors of [Unpack].
var (
	// ErrMalformed: the bytes are not what [Pack] writes.
	ErrMalformed = errors.New("packed changes cannot be read")
	// ErrTooMany: there are more changes than the caller takes.
	ErrTooMany = errors.New("too many packed changes")
)

// Bounds of what both ends remember of a batch. Beyond them nothing is lost:
// it is written out again.
const (
	maxIDs    = 1 << 14 // ids that can be named again
	maxRecent = 64      // of them by how lately they came
	maxTexts  = 1 << 14 // texts that can be named again, over all columns
	maxSlots  = 1 << 12 // columns of all shapes together
)

// The streams of a packed batch, in their order. What is left behind them is
// the noise: bytes that no compressor makes shorter.
const (
	streamMarks   = iota // of each change: its shape, whether it is the last, whether something is odd
	streamShapes         // the shapes, each where it is first used
	streamOdd            // what is not as expected
	streamClocks         // wall and mono
	streamIDs            // which ids
	streamNumbers        // numbers and lengths
	streamTokens         // which texts
	streamTexts          // the texts' bytes
	streams
)

// The marks of what is odd in a change.
const (
	oddSeq = 1 << iota
	oddHLC
	oddTxn
	oddSchema
	oddBase
	oddActor
	oddBoot
	oddSalt
	oddEnd // no mark stands here or above
)

// opUpdate is the operation that has a map of what was shown before.
const opUpdate = 2
