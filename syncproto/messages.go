package syncproto

import "github.com/google/uuid"

// PushRequest is the body of a push, integer keys in CBOR (section 4).
type PushRequest struct {
	History   []byte   `cbor:"0,keyasint"`
	Device    []byte   `cbor:"1,keyasint"`
	Epoch     []byte   `cbor:"2,keyasint"`
	From      uint64   `cbor:"3,keyasint"`
	Prev      []byte   `cbor:"4,keyasint"` // h(from-1)
	Changes   [][]byte `cbor:"5,keyasint"`
	Head      []byte   `cbor:"6,keyasint"` // h(last)
	Signature []byte   `cbor:"7,keyasint"`
	Boot      []byte   `cbor:"8,keyasint"`
	Mono      uint64   `cbor:"9,keyasint"`
	Wall      int64    `cbor:"10,keyasint"`
}

// PackedRequest is the body of a push of type [TypePacked]: a [PushRequest]
// whose changes are packed (section 4, "The packed form").
type PackedRequest struct {
	History   []byte `cbor:"0,keyasint"`
	Device    []byte `cbor:"1,keyasint"`
	Epoch     []byte `cbor:"2,keyasint"`
	From      uint64 `cbor:"3,keyasint"`
	Prev      []byte `cbor:"4,keyasint"` // h(from-1)
	Head      []byte `cbor:"6,keyasint"` // h(last)
	Signature []byte `cbor:"7,keyasint"`
	Boot      []byte `cbor:"8,keyasint"`
	Mono      uint64 `cbor:"9,keyasint"`
	Wall      int64  `cbor:"10,keyasint"`
	Packed    []byte `cbor:"11,keyasint"`
}

// PushAnswer is the answer of an accepted push.
type PushAnswer struct {
	Acked      uint64    `cbor:"1,keyasint"`
	Head       []byte    `cbor:"2,keyasint"` // h(acked)
	Outcomes   []Outcome `cbor:"3,keyasint"`
	ServerTime int64     `cbor:"4,keyasint"` // Unix milliseconds
	Hint       []byte    `cbor:"5,keyasint"` // opaque: something to pull; empty for nothing
	HLC        uint64    `cbor:"6,keyasint"` // the server's highest, after the clamp
	Receipt    string    `cbor:"7,keyasint"` // JWS, see [LogReceipt]
	// Sent is h(last) of the batch that this answers: the server has that very
	// content, also where Acked is beyond it. An earlier answer to another batch of
	// the same length does not pass for this one's.
	Sent []byte `cbor:"8,keyasint,omitempty"`
}

// Outcome is what became of one change. It is stored with the change, never
// changes, and is given again on every re-send.
type Outcome struct {
	Seq    uint64      `cbor:"1,keyasint" json:"seq"`
	Code   OutcomeCode `cbor:"2,keyasint" json:"code"`
	Reason Reason      `cbor:"3,keyasint,omitempty" json:"reason,omitempty"`
	Case   []byte      `cbor:"4,keyasint,omitempty" json:"case,omitempty"` // 16 bytes
}

// LogReceipt is the payload of a push receipt: the server's signed word that
// changes 1..Acked of the log are on its disk.
type LogReceipt struct {
	History uuid.UUID `json:"history"`
	Device  uuid.UUID `json:"device"`
	Epoch   uuid.UUID `json:"epoch"`
	Acked   uint64    `json:"acked"`
	Head    string    `json:"head"` // hex
	At      int64     `json:"at"`
}

// BlobReceipt is the payload of a blob receipt. A phone deletes its own copy
// of a photo only against one.
type BlobReceipt struct {
	History uuid.UUID `json:"history"`
	SHA256  string    `json:"sha256"`
	Size    int64     `json:"size"`
	At      int64     `json:"at"`
	Device  uuid.UUID `json:"device"`
}

// Permit is what a supervisor's code says: a JWS of the server that lets one
// device do what it otherwise refuses.
type Permit struct {
	Device uuid.UUID `json:"device"`
	Allow  string    `json:"allow"` // PermitSignOut
}

// PermitSignOut lets a phone sign out with unsent work, which it keeps aside.
const PermitSignOut = "sign-out-unsent"

// Problem is an RFC 9457 answer with this protocol's members.
type Problem struct {
	Type    string  `json:"type"`
	Title   string  `json:"title"`
	Status  int     `json:"status"`
	Code    Code    `json:"code"`
	Detail  string  `json:"detail,omitempty"`
	Hint    string  `json:"hint,omitempty"`
	Request string  `json:"request,omitempty"`
	Acked   *uint64 `json:"acked,omitempty"`
	Head    string  `json:"head,omitempty"`
	History string  `json:"history,omitempty"`
	Common  *uint64 `json:"common,omitempty"`
	Limit   string  `json:"limit,omitempty"`
	Max     int64   `json:"max,omitempty"`
}

// EnrolRequest asks for a device's enrolment with a one-time code.
type EnrolRequest struct {
	Code      string     `json:"code"`
	Device    *uuid.UUID `json:"device,omitempty"`
	PublicKey []byte     `json:"public_key"`
	Proof     []byte     `json:"proof"`
	Platform  string     `json:"platform"`
	Model     string     `json:"model"`
	App       string     `json:"app"`
	Schema    int        `json:"schema"`
}

// EnrolAnswer is what an enrolled device starts with.
type EnrolAnswer struct {
	Device        uuid.UUID      `json:"device"`
	Person        uuid.UUID      `json:"person"`
	Centre        uuid.UUID      `json:"centre"`
	History       uuid.UUID      `json:"history"`
	AccessToken   string         `json:"access_token"`
	ExpiresIn     int            `json:"expires_in"` // seconds
	RefreshToken  string         `json:"refresh_token"`
	ServerKeys    []ServerKey    `json:"server_keys"`
	ReceiptRanges []ReceiptRange `json:"receipt_ranges"`
	Schema        int            `json:"schema"`
}

// ServerKey is a key that the server signs receipts with.
type ServerKey struct {
	KID       string `json:"kid"`
	PublicKey []byte `json:"public_key"`
}

// ReceiptRange is a block of receipt numbers leased to one device: Prefix
// followed by a number from From to To, both inclusive (FP-03).
type ReceiptRange struct {
	Prefix string `json:"prefix"`
	From   int64  `json:"from"`
	To     int64  `json:"to"`
}

// TokenRequest asks for a new access token.
type TokenRequest struct {
	RefreshToken string `json:"refresh_token"`
}

// TokenAnswer carries the successor of the refresh token.
type TokenAnswer struct {
	AccessToken  string      `json:"access_token"`
	ExpiresIn    int         `json:"expires_in"`
	RefreshToken string      `json:"refresh_token"`
	ServerKeys   []ServerKey `json:"server_keys"`
}

// ReceiptsAnswer lists the ranges leased to the device.
type ReceiptsAnswer struct {
	ReceiptRanges []ReceiptRange `json:"receipt_ranges"`
}

// Purposes of a blob.
const (
	PurposePreview   = "preview"
	PurposePhoto     = "photo"
	PurposeSignature = "signature"
	PurposeReceipt   = "receipt"
	PurposeDocument  = "document"
)

// PlanRequest names the blobs that a phone wants to upload.
type PlanRequest struct {
	Blobs []PlanBlob `json:"blobs"`
}

// PlanBlob is one of them. SHA256 is 64 lower-case hex digits.
type PlanBlob struct {
	SHA256  string `json:"sha256"`
	Size    int64  `json:"size"`
	Type    string `json:"type"`
	Purpose string `json:"purpose"`
}

// States of a planned blob.
const (
	StateHave  = "have"
	StatePut   = "put"
	StateParts = "parts"
)

// PlanAnswer says for each blob what is left to do.
type PlanAnswer struct {
	Blobs []PlannedBlob `json:"blobs"`
}

// PlannedBlob is the way to upload one blob: nothing (have), one presigned PUT
// (put), or presigned parts (parts). With have, Receipt repeats the server's
// receipt, for a phone that lost the commit's answer.
type PlannedBlob struct {
	SHA256   string            `json:"sha256"`
	State    string            `json:"state"`
	URL      string            `json:"url,omitempty"`
	Headers  map[string]string `json:"headers,omitempty"`
	Upload   string            `json:"upload,omitempty"`
	PartSize int64             `json:"part_size,omitempty"`
	Parts    []PlannedPart     `json:"parts,omitempty"`
	Receipt  string            `json:"receipt,omitempty"`
}

// PlannedPart is one part of a multipart upload, numbered from 1.
type PlannedPart struct {
	Number  int               `json:"number"`
	URL     string            `json:"url,omitempty"`
	Headers map[string]string `json:"headers,omitempty"`
	Done    bool              `json:"done"`
	ETag    string            `json:"etag,omitempty"`
}

// CommitRequest says that a blob's bytes were uploaded.
type CommitRequest struct {
	SHA256 string       `json:"sha256"`
	Upload string       `json:"upload,omitempty"`
	Parts  []CommitPart `json:"parts,omitempty"`
}

// CommitPart is one uploaded part.
type CommitPart struct {
	Number int    `json:"number"`
	ETag   string `json:"etag"`
}

// CommitAnswer carries the receipt, a JWS over [BlobReceipt].
type CommitAnswer struct {
	SHA256  string `json:"sha256"`
	Size    int64  `json:"size"`
	Receipt string `json:"receipt"`
}
