// Package bundle makes an evidence bundle of a job, or of one defect of it, and
// checks one: a zip with the original files, the ledger's entries about the
// job with the chain and the signatures they stand in, the keys, the receipts,
// and a page that people can read. Whoever holds a bundle can check it without
// a server, a database or this server's word (promise P8).
//
// A bundle shows the changes of its own job whole; of every other change of
// the same log it has the digest alone, which is enough for the chain and,
// since each change is salted, tells nothing. A bundle of a defect shows no
// customer's name, number, signature or money.
//
// A bundle is written and checked as a stream: files pass through a buffer of
// 64 KB, and only texts (logs, page, manifest) are held, 256 MiB at most. The zip
// holds at most 2 GiB and 5,000 files; a job that would be more is refused with
// its size before the first byte, and goes as one bundle for each defect. A
// phone's log of up to 20,000 changes is given from its beginning, a longer one
// as the signed batches that are shown. A file that never came is named as
// absent, one that the storage has lost as lost, with the receipt it once had.
//
// It must never show a row of another job or another centre, never hold a file
// in memory whole, and never call a bundle verified in which a single byte is
// not the one that was sealed. The same rows give the same bytes, but for the
// time and the person it was made by and what the server signed over them.
package bundle

import (
	"context"
	"io"

	"github.com/google/uuid"

	"siteledger/server/blob"
	"siteledger/server/ledger"
	"siteledger/server/report"
	"siteledger/syncproto"
	"siteledger/syncproto/schema"
)

// Files reads one job whole; a job of another centre is a NotFound fault.
type Files interface {
	JobFile(ctx context.Context, centre, job uuid.UUID) (report.JobFile, error)
}

// Place is where a change stands: its log and its number there.
type Place struct {
	Device, Epoch uuid.UUID
	Seq           uint64
}

// Written is a row and the places of the changes that its columns come from.
type Written struct {
	schema.Row
	Places []Place
}

// Archive reads what the job's own rows do not lead to.
type Archive interface {
	ledger.Mention
	// LogBatches gives the batches of one log that hold a change from first to
	// last, in order, at most limit.
	LogBatches(ctx context.Context, centre, device, epoch uuid.UUID, first, last uint64, limit int) ([]ledger.Batch, error)
	// Written finds the rows of a table whose column has a value, deleted ones
	// too, by id. The column "id" is the row itself.
	Written(ctx context.Context, centre uuid.UUID, table, column string, value []byte) ([]Written, error)
}

// Records reads what became of changes, and who and what a log is.
type Records interface {
	// LogOutcomes gives the stored outcomes of a log's changes, in order.
	LogOutcomes(ctx context.Context, centre, device, epoch uuid.UUID, from, to uint64) ([]syncproto.Outcome, error)
	// PersonCases gives the cases about a person's phones: clocks and forks.
	PersonCases(ctx context.Context, centre, person uuid.UUID) ([]report.Case, error)
	// Logs are the logs of a centre.
	Logs(ctx context.Context, centre uuid.UUID) ([]ledger.Log, error)
	// BlobCopies gives the stored copies of a file, with the receipts given.
	BlobCopies(ctx context.Context, centre uuid.UUID, sha [32]byte) ([]blob.Upload, error)
}

// Originals opens stored files; *blob.Service does.
type Originals interface {
	Open(ctx context.Context, centre uuid.UUID, sha [32]byte) (io.ReadSeekCloser, blob.Info, error)
}

// Signer seals the bundle; *auth.Keys does.
type Signer interface {
	SignJWS(payload any) (string, error)
	Public() []syncproto.ServerKey
}
