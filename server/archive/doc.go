// Package archive is what of a server is kept outside its database: the ledger
// as it is shipped to the bucket, batch by batch, and backups.
//
// A [Shipper] puts every committed batch of every stream into the bucket, in
// the stream's order and without a gap, each object once and signed; it never
// keeps a push waiting. A backup is a consistent copy of the database with the
// keys and the photos that the database says are present, each part named by
// its SHA-256 in a manifest that is written last. A restore takes nothing that
// does not verify, and says what it was (promises P8 and P11).
//
// The package knows neither SQL nor S3: the database is a [Snapshot], the
// storage a [Bucket]. It must never delete or overwrite an object of the
// bucket, and never write into a data folder that somebody else's files are in.
package archive

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"siteledger/server/ledger"
)

// ErrExists says that a write-once object is there already.
var ErrExists = errors.New("the object is there already")

// ErrAbsent says that there is no such object.
var ErrAbsent = errors.New("no such object")

// Bucket is the object storage that batches are shipped to.
type Bucket interface {
	// Put writes a new object, durably; ErrExists where there is one already.
	Put(ctx context.Context, key string, body []byte) error
	// Get reads an object of at most limit bytes; ErrAbsent for none.
	Get(ctx context.Context, key string, limit int64) ([]byte, error)
	// List hands the objects under a prefix to fn, in the order of their keys,
	// those after a key alone. An error of fn ends it.
	List(ctx context.Context, prefix, after string, fn func(key string, size int64) error) error
}

// Signer signs what is shipped with the server's key.
type Signer interface {
	Sign(message []byte) []byte
}

// History is one stretch of a server's past: from its first start, or from a
// restore, to the next restore.
type History struct {
	ID        uuid.UUID
	StartedAt int64  // Unix milliseconds
	Floor     uint64 // the highest rev that its streams went on from; 0 for the first
}

// Streams are the streams as the store has them now.
type Streams interface {
	// Ends gives every stream, headquarters first.
	Ends(ctx context.Context) ([]ledger.Stream, error)
	// Batches gives up to limit batches of a stream after a place, in order.
	Batches(ctx context.Context, centre uuid.UUID, after uint64, limit int) ([]ledger.Batch, error)
}

// Copy is one device's checked copy of a present blob.
type Copy struct {
	Centre uuid.UUID `json:"centre"`
	SHA256 string    `json:"sha256"` // 64 lower-case hex digits
	Key    string    `json:"key"`    // object key
	Size   int64     `json:"size"`
}

// Snapshot is a copy of the database, opened.
type Snapshot interface {
	Streams
	// Histories are the server's histories, the newest first.
	Histories(ctx context.Context) ([]History, error)
	// Copies hands every stored copy of a present blob to fn.
	Copies(ctx context.Context, fn func(Copy) error) error
	// Check reads the whole file for damage of the database's own structure.
	Check(ctx context.Context) error
	Close() error
}
