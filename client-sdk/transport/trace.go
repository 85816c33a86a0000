package transport

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/google/uuid"
)

// headerRequest names a request, on the phone and in the server's log alike.
const headerRequest = "X-Request-Id"

// traces makes the ids of requests: random ones, from one read of the phone's
// randomness.
type traces struct {
	seed [16]byte
	n    atomic.Uint64
}

func (t *traces) start(rand io.Reader) error {
	if _, err := io.ReadFull(rand, t.seed[:]); err != nil {
		return fmt.Errorf("ids of requests: %w", err)
	}
	return nil
}

func (t *traces) next() string {
	sum := sha256.Sum256(binary.BigEndian.AppendUint64(t.seed[:], t.n.Add(1)))
	id := uuid.UUID(sum[:16])
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80 // as a random one, version 4
	return id.String()
}

// traced is a failed call with the id that it went under.
type traced struct {
	id  string
	err error
}

func (t *traced) Error() string { return t.err.Error() + " (request " + t.id + ")" }
func (t *traced) Unwrap() error { return t.err }

// RequestOf finds the id that a failed call went under, for the server's
// operator; empty where err is of no call. Where the server gave the request
// another id, it is the server's.
func RequestOf(err error) string {
	if p, ok := ProblemOf(err); ok && p.Request != "" {
		return p.Request
	}
	var t *traced
	if errors.As(err, &t) {
		return t.id
	}
	return ""
}
