package fieldwork

import (
	"bytes"
	"crypto/sha256"

	"siteledger/syncproto/schema"
)

// Outcomes of a signature (SF-02). All of them end a visit alike: none blocks
// its close, none counts against the technician.
const (
	Signed  = "signed"
	Refused = "refused"
	Absent  = "absent"
	Later   = "later"
	Unable  = "unable"
)

// SignerCustomer is the signer whose signature covers the visit's summary.
const SignerCustomer = "customer"

// SignatureState says how a visit stands with its customer's signature.
type SignatureState string

// The states. Superseded: something that the signature covered was changed
// afterwards, the customer is asked to sign again (SF-07). Declined: the
// customer did not sign, which is an ordinary outcome (SF-02).
const (
	SignatureNone       SignatureState = "none"
	SignatureCovers     SignatureState = "covers"
	SignatureSuperseded SignatureState = "superseded"
	SignatureDeclined   SignatureState = "declined"
)

// Covers says whether a signature stands for exactly this content: it was
// really signed and its hash is the content's (SF-07).
func Covers(signature schema.Row, content string) bool {
	sum := sha256.Sum256([]byte(content))
	return !signature.Deleted && signature.Text("outcome") == Signed && bytes.Equal(signature.Bytes("content_hash"), sum[:])
}

// CoversVisit says whether a signature stands for a visit as its rows are now.
// Cause and measure that were deferred at the signing may be filled in later
// without breaking it (OR-14): the customer signed that they would follow.
func CoversVisit(signature schema.Row, v VisitRows) bool {
	deferred := v.Record != nil && v.Record.Bool("deferred")
	if coversAs(signature, v, deferred) {
		return true
	}
	return v.Record != nil && !deferred && coversAs(signature, v, true)
}

// coversAs compares with the content as it is made now, and with the text alone
// that older signatures were bound to.
func coversAs(signature schema.Row, v VisitRows, deferred bool) bool {
	content, _ := bound(v, deferred)
	if Covers(signature, content) {
		return true
	}
	if _, _, whole := cutCover(signature.Text("content")); whole {
		return false
	}
	content, _ = summary(v, deferred)
	return Covers(signature, content)
}

// StateOf gives the state of a visit's signature. A newer signature replaces an
// older one, but a refusal to sign again does not undo a signature that still
// covers the visit.
func StateOf(v VisitRows) SignatureState {
	state := SignatureNone
	for _, s := range sortedOf(v, v.Signatures) {
		if s.Text("signer") != SignerCustomer {
			continue
		}
		switch {
		case s.Text("outcome") != Signed:
			if state == SignatureNone {
				state = SignatureDeclined
			}
		case CoversVisit(s, v):
			return SignatureCovers
		default:
			state = SignatureSuperseded
		}
	}
	return state
}

// SlipReturned says whether the visit's feedback slip counts as returned:
// signed or formally declined, all outcomes alike (SF-02, SF-04).
func SlipReturned(v VisitRows) bool { return StateOf(v) != SignatureNone }

// StandingOf gives the state of one signature: covers or superseded where it
// was signed by the customer, declined where it was not signed, none for
// somebody else's, which covers no visit's content.
func StandingOf(signature schema.Row, v VisitRows) SignatureState {
	switch {
	case signature.Text("outcome") != Signed:
		return SignatureDeclined
	case signature.Text("signer") != SignerCustomer:
		return SignatureNone
	case CoversVisit(signature, v):
		return SignatureCovers
	}
	return SignatureSuperseded
}
