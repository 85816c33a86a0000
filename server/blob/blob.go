// Package blob is the way of bytes: photos, signature pictures, scans. A phone
// asks for a plan, uploads straight to the object storage by presigned URL,
// and asks the server to commit; the server reads the object once, checks
// size, SHA-256 and first bytes, writes into the server's own log that the
// blob is present, and signs a receipt.
//
// It must never call a blob present that it has not read back (promise P12),
// never hand a blob to somebody who sees no row that names it (P7), and never
// let a hash that somebody knows stand for bytes that he has not got: every
// device uploads its own copy, under a key of its own, written once.
//
// It knows neither SQL nor HTTP: rows come through [Uploads] and [Catalogue],
// objects through an S3 client, the same for the embedded endpoint and for any
// other. That the caller's device is enrolled and not revoked is the edge's to
// check.
package blob

import (
	"context"
	"encoding/hex"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"siteledger/server/ledger"
	"siteledger/syncproto"
)

// Info is what is known of a present blob.
type Info struct {
	Size    int64
	Type    string // media type, checked against the first bytes
	Purpose string // one of syncproto's purposes
}

// Upload is the server's own row of one device's copy of one blob: planned,
// and stored once its bytes were checked.
type Upload struct {
	Centre, Device, Person uuid.UUID
	SHA256                 [32]byte
	Info
	Key       string    // object key
	Multipart string    // the storage's upload id; empty for a single PUT
	PartSize  int64     // of Multipart
	PlannedAt time.Time // last planned
	StoredAt  time.Time // zero until its bytes were checked
	History   uuid.UUID // the server's history that signed Receipt
	Receipt   string    // JWS over syncproto.BlobReceipt; empty until stored
}

// Stored says whether the bytes were read back and checked.
func (u Upload) Stored() bool { return !u.StoredAt.IsZero() }

// Uploads are the rows of what devices planned and stored.
type Uploads interface {
	// BlobUpload finds a device's own row; false where it never planned it.
	BlobUpload(ctx context.Context, centre, device uuid.UUID, sha [32]byte) (Upload, bool, error)
	// SaveBlobUploads writes rows, all or none, durable when it returns.
	SaveBlobUploads(ctx context.Context, rows []Upload) error
	// OpenBlobUploads counts a device's planned, not yet stored rows.
	OpenBlobUploads(ctx context.Context, centre, device uuid.UUID) (int, error)
}

// Stale are the uploads that nobody finished.
type Stale interface {
	// StaleBlobUploads gives rows never stored and last planned before a time.
	StaleBlobUploads(ctx context.Context, before time.Time, limit int) ([]Upload, error)
	// DropBlobUpload forgets a row that was never stored.
	DropBlobUpload(ctx context.Context, u Upload) error
}

// Ref names a present blob of a centre.
type Ref struct {
	Centre uuid.UUID
	SHA256 [32]byte
	Size   int64
}

// Catalogue is what the ledger says is present, and where.
type Catalogue interface {
	// BlobPresent says whether the server's log of the centre has the blob.
	BlobPresent(ctx context.Context, centre uuid.UUID, sha [32]byte) (bool, error)
	// BlobCopies gives the stored copies of a blob within the centre, oldest
	// first; empty for none.
	BlobCopies(ctx context.Context, centre uuid.UUID, sha [32]byte) ([]Upload, error)
	// PresentBlobs gives present blobs of all centres behind a given one, in
	// the order of (centre, hash).
	PresentBlobs(ctx context.Context, after Ref, limit int) ([]Ref, error)
}

// Audience says who sees what.
type Audience interface {
	// BlobVisible says whether a row that the person's phone may see names the
	// blob: of a job whose crew he is on, of his own, of his centre's or of
	// headquarters'.
	BlobVisible(ctx context.Context, centre, person uuid.UUID, sha [32]byte) (bool, error)
}

// Journal writes the server's own log.
type Journal interface {
	Write(ctx context.Context, centre uuid.UUID, by ledger.Author, edits []ledger.Edit) (ledger.Written, error)
}

// Signer signs receipts as compact JWS.
type Signer interface {
	SignJWS(payload any) (string, error)
}

// Deps is what the service works with; all of it is needed.
type Deps struct {
	Uploads   Uploads
	Stale     Stale
	Catalogue Catalogue
	Audience  Audience
	Journal   Journal
	Signer    Signer
	History   uuid.UUID // the server's current one; receipts name it
	Now       func() time.Time
	NewID     func() (uuid.UUID, error) // UUIDv7
	Log       *slog.Logger
}

// Missing is a blob that a row names and nobody has uploaded yet, so that a
// screen can say "3 photos still on the phone of 李师傅".
type Missing struct {
	Job         uuid.UUID // root of the row
	Table       string
	Row         uuid.UUID
	Column      string
	SHA256      [32]byte
	Purpose     string
	Person      uuid.UUID // whose phone has it: who planned it, else the visit's installer; uuid.Nil where unknown
	PersonName  string
	Planned     bool      // the phone has begun to send it
	LastContact time.Time // of that person's phone; zero for never
}

// MissingCount sums up a job's missing blobs of one person and purpose.
type MissingCount struct {
	Job         uuid.UUID
	Person      uuid.UUID
	PersonName  string
	Purpose     string
	Count       int
	LastContact time.Time
}

// Fault is a present blob whose bytes are not what the ledger says. Key is
// empty where no copy is known at all.
type Fault struct {
	Centre uuid.UUID
	SHA256 [32]byte
	Key    string
	Kind   string // one of the Fault kinds
	Detail string
}

// Kinds of faults.
const (
	FaultMissing  = "missing"  // no object under the key
	FaultMismatch = "mismatch" // other bytes
)

// Name is the blob as people and logs name it.
func (f Fault) Name() string { return hex.EncodeToString(f.SHA256[:]) }

// Progress is how far a verification is.
type Progress struct {
	Blobs  int
	Bytes  int64
	Faults int
}

// ObjectKey is where a device's copy of a blob lies (PROTOCOL.md, section 7).
func ObjectKey(centre uuid.UUID, sha [32]byte, device uuid.UUID) string {
	return centre.String() + "/" + hex.EncodeToString(sha[:]) + "/" + device.String()
}

// maxBytes is the size limit of a purpose.
func maxBytes(l syncproto.Limits, purpose string) int64 {
	switch purpose {
	case syncproto.PurposePreview:
		return l.MaxPreviewBytes
	case syncproto.PurposeSignature:
		return maxSignatureBytes
	}
	return l.MaxPhotoBytes
}

// maxSignatureBytes bounds a signature picture.
const maxSignatureBytes = 1 << 20
