package outbox

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"siteledger/syncproto/pack"
)

// ErrUnproven: unpacking does not give every byte again of what was packed.
// Nothing is lost: the batch goes as it is.
var ErrUnproven = errors.New("a packed batch does not unpack to what it was")

// packUpTo is how many bytes of changes are packed at most. What is larger
// holds long texts, which only the compressor makes shorter, and would take the
// phone's memory several times over.
const packUpTo = 1 << 20

// Packed is the batch's changes in the packed form, proven by unpacking them;
// nil where they are to go as they are.
//
// Whoever reads it learns the salts of up to 1,024 changes beside those of the
// batch, so it goes to the server alone, and is kept by nobody.
func (b *Batch) Packed(key ed25519.PrivateKey) ([]byte, error) {
	if sizeOf(b.Changes) > packUpTo {
		return nil, nil
	}
	packed := pack.Pack(b.Changes, saltKeys(key, b.Epoch))
	if !proven(packed, b.Changes) {
		return nil, fmt.Errorf("%w: log %s, changes %d to %d", ErrUnproven, b.Epoch, b.From, b.Last)
	}
	return packed, nil
}

// proven says whether what was packed is what will be unpacked.
func proven(packed []byte, changes [][]byte) bool {
	again, err := pack.Unpack(packed, sizeOf(changes), len(changes))
	return err == nil && slices.EqualFunc(again, changes, slices.Equal)
}

func sizeOf(changes [][]byte) (n int) {
	for _, b := range changes {
		n += len(b)
	}
	return n
}

// saltKeys are the keys of a log's salts. They are made of the device's own
// secret, so that there is nothing to store and nothing to lose: whoever does
// not have that can guess no salt that he was not shown. A copy of this phone
// gives the same salt to other content of the same number until it is noticed;
// that hides as well, and a salt does nothing else.
func saltKeys(key ed25519.PrivateKey, epoch uuid.UUID) func(block uint64) pack.Key {
	var last pack.Key
	known := ^uint64(0)
	return func(block uint64) pack.Key {
		if block != known {
			mac := hmac.New(sha256.New, key.Seed())
			mac.Write([]byte("siteledger salts v1"))
			mac.Write(epoch[:])
			mac.Write(binary.BigEndian.AppendUint64(nil, block))
			known, last = block, pack.Key(mac.Sum(nil)[:len(pack.Key{})])
		}
		return last
	}
}
