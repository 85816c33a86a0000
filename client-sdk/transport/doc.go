// Package transport speaks the sync protocol over HTTP: CBOR for push and pull,
// JSON for the rest, an event stream for pokes, and plain PUT to the photo
// store.
//
// It keeps no state and makes no decision: an answer becomes a value, a typed
// [Problem] with the protocol's code, or one of [ErrUnreachable] (no answer) and
// [ErrForeign] (something else answered: a Wi-Fi sign-in page, a proxy, half an
// answer). A foreign answer never counts as success, whatever its status.
//
// The access token goes to the sync server alone: no redirect is followed, and
// requests to the photo store are made without it.
package transport
