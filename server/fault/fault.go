// Package fault is the server's one vocabulary of errors. A fault carries a
// code of the protocol, a message that is safe and useful to show to a
// technician, a hint what to do, and a cause that is logged and never sent.
//
// Nobody logs and returns: layers wrap with %w, and the edge (api, web) turns
// the code into a status once.
package fault

import (
	"errors"
	"fmt"

	"siteledger/syncproto"
)

// Error is a fault. Message and Hint are keys of the dictionaries or plain
// English; the edge translates where it knows the key.
type Error struct {
	Code    syncproto.Code
	Message string
	Hint    string
	Err     error // cause: logged, never sent

	// What a problem answer adds; see syncproto.Problem.
	Acked  *uint64
	Head   string
	Common *uint64
	Limit  string
	Max    int64
}

// New makes a fault without a cause.
func New(code syncproto.Code, message string) *Error {
	return &Error{Code: code, Message: message}
}

// Wrap makes a fault around a cause.
func Wrap(code syncproto.Code, message string, err error) *Error {
	return &Error{Code: code, Message: message, Err: err}
}

// TooLarge is the 413 of a limit.
func TooLarge(code syncproto.Code, limit string, max int64) *Error {
	return &Error{Code: code, Message: fmt.Sprintf("%s is over the limit of %d", limit, max), Limit: limit, Max: max}
}

// WithHint adds what the reader can do.
func (e *Error) WithHint(hint string) *Error {
	e.Hint = hint
	return e
}

func (e *Error) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("%s: %s: %v", e.Code, e.Message, e.Err)
	}
	return fmt.Sprintf("%s: %s", e.Code, e.Message)
}

func (e *Error) Unwrap() error { return e.Err }

// CodeOf finds the code anywhere in err's chain; a foreign error is internal.
func CodeOf(err error) syncproto.Code {
	var f *Error
	if errors.As(err, &f) {
		return f.Code
	}
	return syncproto.Internal
}

// Of finds the fault in err's chain, or makes an internal one around it.
func Of(err error) *Error {
	var f *Error
	if errors.As(err, &f) {
		return f
	}
	return &Error{Code: syncproto.Internal, Message: "something went wrong on the server; nothing was lost", Err: err}
}

// Codes that only the screens know; they never travel to a phone.
const (
	// Invalid is a form or an office edit that breaks a rule; the message says
	// which.
	Invalid syncproto.Code = "invalid"
	// Stale is an edit of something that somebody else changed meanwhile.
	Stale syncproto.Code = "stale"
	// SignedOut asks for a sign-in.
	SignedOut syncproto.Code = "signed-out"
	// TooMany is a caller who tries too often.
	TooMany syncproto.Code = "too-many"
)

// Status is the HTTP status of a fault's code, the screens' own included.
func Status(c syncproto.Code) int {
	switch c {
	case Invalid:
		return 422
	case Stale:
		return 409
	case SignedOut:
		return 401
	case TooMany:
		return 429
	}
	return syncproto.Status(c)
}
