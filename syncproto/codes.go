package syncproto

// Code names one kind of failure on the wire. Codes are never renamed and
// never reused; the status of each is in [Status].
type Code string

// The codes of problem answers.
const (
	BodyInvalid         Code = "body-invalid"
	LimitInvalid        Code = "limit-invalid"
	CursorInvalid       Code = "cursor-invalid"
	TokenInvalid        Code = "token-invalid"
	TokenExpired        Code = "token-expired"
	DeviceRevoked       Code = "device-revoked"
	WrongDevice         Code = "wrong-device"
	Forbidden           Code = "forbidden"
	NotFound            Code = "not-found"
	LogGap              Code = "log-gap"
	LogForked           Code = "log-forked"
	HistoryChanged      Code = "history-changed"
	BlobAbsent          Code = "blob-absent"
	UploadIncomplete    Code = "upload-incomplete"
	BatchTooLarge       Code = "batch-too-large"
	BatchTooLong        Code = "batch-too-long"
	ChangeTooLarge      Code = "change-too-large"
	BlobTooLarge        Code = "blob-too-large"
	EncodingUnsupported Code = "encoding-unsupported"
	TypeUnsupported     Code = "type-unsupported"
	EnvelopeInvalid     Code = "envelope-invalid"
	ChainBroken         Code = "chain-broken"
	SignatureInvalid    Code = "signature-invalid"
	CodeInvalid         Code = "code-invalid"
	KeyInvalid          Code = "key-invalid"
	BlobType            Code = "blob-type"
	BlobMismatch        Code = "blob-mismatch"
	Busy                Code = "busy"
	Internal            Code = "internal"
)

// statuses is the one table from code to HTTP status.
var statuses = map[Code]int{
	BodyInvalid: 400, LimitInvalid: 400, CursorInvalid: 400,
	TokenInvalid: 401, TokenExpired: 401,
	DeviceRevoked: 403, WrongDevice: 403, Forbidden: 403,
	NotFound: 404,
	LogGap:   409, LogForked: 409, HistoryChanged: 409, BlobAbsent: 409, UploadIncomplete: 409,
	BatchTooLarge: 413, BatchTooLong: 413, ChangeTooLarge: 413, BlobTooLarge: 413,
	EncodingUnsupported: 415, TypeUnsupported: 415,
	EnvelopeInvalid: 422, ChainBroken: 422, SignatureInvalid: 422, CodeInvalid: 422, KeyInvalid: 422, BlobType: 422, BlobMismatch: 422,
	Busy:     503,
	Internal: 500,
}

// Status is the HTTP status of a code; 500 for a code it does not know.
func Status(c Code) int {
	if s, ok := statuses[c]; ok {
		return s
	}
	return 500
}

// OutcomeCode says what became of a change that was not plainly applied.
type OutcomeCode string

// The outcomes of a change.
const (
	Merged   OutcomeCode = "merged"
	Conflict OutcomeCode = "conflict"
	Held     OutcomeCode = "held"
	Denied   OutcomeCode = "denied"
)

// Reason explains a held or denied outcome.
type Reason string

// The reasons of held and denied changes.
const (
	UnknownTable  Reason = "unknown-table"
	UnknownColumn Reason = "unknown-column"
	BadValue      Reason = "bad-value"
	Undecodable   Reason = "undecodable"
	RowExists     Reason = "row-exists"
	RowUnknown    Reason = "row-unknown"
	RowDeleted    Reason = "row-deleted"
	Transition    Reason = "transition"
	Rule          Reason = "rule"
	Behind        Reason = "behind"
	InternalFault Reason = "internal"
	Transaction   Reason = "transaction"
	NotWriter     Reason = "not-writer"
	NotActor      Reason = "not-actor"
)
