package web

import "siteledger/server/auth"

// Person is who is signed in. Centre is the stream that the person works in:
// headquarters' own for adjudicators and administrators.
type Person = auth.Person
