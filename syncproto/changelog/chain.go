package changelog

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"

	"github.com/google/uuid"
)

// Hash is a link of the chain, or the digest of a change.
type Hash [32]byte

// Genesis is h(0) of a log.
func Genesis(device, epoch uuid.UUID) Hash {
	h := sha256.New()
	h.Write([]byte("siteledger log v1"))
	h.Write(device[:])
	h.Write(epoch[:])
	return Hash(h.Sum(nil))
}

// Digest is SHA-256 of a change's bytes: all of it that an evidence bundle
// shows of changes it does not disclose.
func Digest(change []byte) Hash { return sha256.Sum256(change) }

// Next is h(n) from h(n-1) and the bytes of change n.
func Next(prev Hash, change []byte) Hash { return NextDigest(prev, Digest(change)) }

// NextDigest is h(n) from h(n-1) and the digest of change n.
func NextDigest(prev, digest Hash) Hash {
	var b [64]byte
	copy(b[:32], prev[:])
	copy(b[32:], digest[:])
	return sha256.Sum256(b[:])
}

// PushMessage is what the device's key signs at the head of a log.
func PushMessage(device, epoch uuid.UUID, last uint64, head Hash, boot uuid.UUID, mono uint64, wall int64) []byte {
	b := make([]byte, 0, 18+16+16+8+32+16+8+8)
	b = append(b, "siteledger push v1"...)
	b = append(b, device[:]...)
	b = append(b, epoch[:]...)
	b = binary.BigEndian.AppendUint64(b, last)
	b = append(b, head[:]...)
	b = append(b, boot[:]...)
	b = binary.BigEndian.AppendUint64(b, mono)
	return binary.BigEndian.AppendUint64(b, uint64(wall))
}

// EnrolMessage is what a new device's key signs to prove that it holds the
// key. device is uuid.Nil where the server is to name the device.
func EnrolMessage(device uuid.UUID, public ed25519.PublicKey, code string) []byte {
	b := make([]byte, 0, 19+16+32+len(code))
	b = append(b, "siteledger enrol v1"...)
	b = append(b, device[:]...)
	b = append(b, public...)
	return append(b, code...)
}
