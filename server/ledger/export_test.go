package ledger

// Pack writes changes as the ledger keeps them, for tests that store batches of
// their own.
func (l *Ledger) Pack(changes [][]byte) []byte { return l.packBody(changes) }

// Digests are those that the ledger keeps beside a batch.
func Digests(changes [][]byte) []byte { return digests(changes) }
