package outbox

// Proven says whether packed bytes give every byte of the changes again.
func Proven(packed []byte, changes [][]byte) bool { return proven(packed, changes) }
