// Package syncproto is what a phone and a server must agree on: paths,
// messages, error codes and limits of the sync protocol. PROTOCOL.md beside
// this file is the full text; it is enough to write a phone app in any
// language.
//
// The package and those below it are pure: no database, no network, no clock
// of their own. Both ends import them; they import neither end.
package syncproto

// Version is the protocol's version. A version is never reused.
//
//   - 1 (2026-11-22): enrol, token, receipts, schema, push, pull, repair,
//     events, blobs.
const Version = 1

// Paths of the HTTP interface.
const (
	PathEnrol      = "/v1/devices/enrol"
	PathToken      = "/v1/devices/token"
	PathReceipts   = "/v1/devices/receipts"
	PathSchema     = "/v1/schema"
	PathPush       = "/v1/sync/push"
	PathPull       = "/v1/sync/pull"
	PathRepair     = "/v1/sync/repair"
	PathEvents     = "/v1/sync/events"
	PathBlobPlan   = "/v1/blobs/plan"
	PathBlobCommit = "/v1/blobs/commit"
	PathBlobs      = "/v1/blobs/"
)

// Media types.
const (
	TypeCBOR = "application/cbor"
	// TypePacked is a push whose changes are packed; its parameter "size" is how
	// many bytes they have together.
	TypePacked  = "application/vnd.siteledger.packed"
	TypeJSON    = "application/json"
	TypeProblem = "application/problem+json"
)

// HeaderAcceptPush stands in every answer of a server and lists the types of
// push that it reads beside [TypeCBOR].
const HeaderAcceptPush = "Accept-Push"
