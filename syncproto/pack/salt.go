package pack

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"hash"
)

// saltBlock is how many numbers of a log share a key of their salts: who sees
// the key of one push learns the salts near it and no others.
const saltBlock = 1024

// Block is the block of a log that a number lies in.
func Block(seq uint64) uint64 { return seq / saltBlock }

// Key makes the salts of one block of a log. It tells all of them, and a salt
// tells nothing of it.
type Key [16]byte

// Salt is the salt of the change with that number.
func (k Key) Salt(seq uint64) (salt [16]byte) {
	s := salter{}
	s.use(Block(seq), k)
	s.salt(seq, salt[:])
	return salt
}

// salter makes salts with the key of the present block.
type salter struct {
	block uint64
	mac   hash.Hash
	sum   [sha256.Size]byte
	seq   [8]byte
}

// has says whether the present key is that of the number's block.
func (s *salter) has(seq uint64) bool { return s.mac != nil && s.block == Block(seq) }

func (s *salter) use(block uint64, k Key) { s.block, s.mac = block, hmac.New(sha256.New, k[:]) }

func (s *salter) salt(seq uint64, out []byte) {
	binary.BigEndian.PutUint64(s.seq[:], seq)
	s.mac.Reset()
	s.mac.Write(s.seq[:])
	copy(out, s.mac.Sum(s.sum[:0]))
}
