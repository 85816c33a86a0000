// Package replica keeps what the app shows: the rows that the server gave, plus
// my own changes that the server has not confirmed.
//
// The app's tables (app_…) hold the sum. What the server said alone, the base,
// is kept only for rows that also have something of mine. A pull's pages are
// staged and become visible in one transaction with its cursor; there mine is
// laid on the new base again, in the order of recording.
//
// It never shows a half of a pull, and never removes a row that has an
// unconfirmed change of mine, whatever the server says: such a row leaves when
// its last change is confirmed. What a newer server sends and this app has no
// place for is kept aside, counted in the checksums, and is no failure.
package replica
