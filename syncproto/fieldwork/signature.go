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
	ByCode  = "code"
)

// Confirmed says whether an outcome stands for the content: the customer drew
// a signature, or gave the code that the service centre told him. Whether the
// code is the right one is seen at the centre, which alone knows it.
func Confirmed(outcome string) bool { return outcome == Signed || outcome == ByCode }

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
// really given and its hash is the content's (SF-07).
func Covers(signature schema.Row, content string) bool {
	return Confirmed(signature.Text("outcome")) && about(signature, content)
}

// about says whether the customer was shown exactly this content, whatever he
// then did.
func about(signature schema.Row, content string) bool {
	sum := sha256.Sum256([]byte(content))
	return !signature.Deleted && bytes.Equal(signature.Bytes("content_hash"), sum[:])
}

// CoversVisit says whether a signature stands for a visit as its rows are now.
// Cause and measure that were deferred at the signing may be filled in later
// without breaking it (OR-14): the customer signed that they would follow.
func CoversVisit(signature schema.Row, v VisitRows) bool {
	return Confirmed(signature.Text("outcome")) && aboutVisit(signature, v)
}

// aboutVisit says whether a customer was shown the visit as its rows are now.
func aboutVisit(signature schema.Row, v VisitRows) bool {
	deferred := v.Record != nil && v.Record.Bool("deferred")
	if aboutAs(signature, v, deferred) {
		return true
	}
	return v.Record != nil && !deferred && aboutAs(signature, v, true)
}

// aboutAs compares with the content as it is made now, and with the text alone
// that older signatures were bound to.
func aboutAs(signature schema.Row, v VisitRows, deferred bool) bool {
	content, _ := bound(v, deferred)
	if about(signature, content) {
		return true
	}
	if _, _, whole := cutCover(signature.Text("content")); whole {
		return false
	}
	content, _ = summary(v, deferred)
	return about(signature, content)
}

// StateOf gives the state of a visit's signature. A newer signature replaces an
// older one, but a refusal to sign again does not undo a signature that still
// covers the visit. A customer who was shown the changed content and did not sign
// it has declined: he is not asked a third time.
func StateOf(v VisitRows) SignatureState {
	state := SignatureNone
	for _, s := range sortedOf(v, v.Signatures) {
		if s.Text("signer") != SignerCustomer {
			continue
		}
		switch {
		case !Confirmed(s.Text("outcome")):
			if state == SignatureNone || aboutVisit(s, v) {
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

// StandingOf gives the state of one signature: covers or superseded where the
// customer gave it, declined where it was not signed, none for
// somebody else's, which covers no visit's content.
func StandingOf(signature schema.Row, v VisitRows) SignatureState {
	switch {
	case !Confirmed(signature.Text("outcome")):
		return SignatureDeclined
	case signature.Text("signer") != SignerCustomer:
		return SignatureNone
	case CoversVisit(signature, v):
		return SignatureCovers
	}
	return SignatureSuperseded
}
