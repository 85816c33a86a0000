package main

import (
	"encoding/binary"
	"math/rand/v2"
	"time"

	"github.com/google/uuid"

	"siteledger/server/app"
)

// ids makes UUIDv7 of a world's own time and randomness, rising as those of the
// library do. The same seed makes the same ids, so that the files of two plays
// are the same to the byte, and a disk is full in both at the same place.
type ids struct {
	now  func() time.Time
	rand *rand.Rand
	last uint64 // milliseconds << 12 and a counter
}

func (i *ids) next() (uuid.UUID, error) {
	i.last = max(i.last+1, uint64(i.now().UnixMilli())<<12)
	id := uuid.UUID(seededBytes(i.rand))
	binary.BigEndian.PutUint64(id[:], i.last>>12<<16|0x7000|i.last&0xfff)
	id[8] = id[8]&0x3f | 0x80
	return id, nil
}

func (i *ids) must() uuid.UUID { return uuid.Must(i.next()) }

// nature is what the server of a world has instead of the machine's.
func (n *node) nature() app.Nature {
	return app.Nature{Now: n.now, Rand: seeded{n.ids.rand}, NewID: n.ids.next, Schema: n.schema}
}
