// Package attachment is the phone's photo store: bytes in files named by their
// SHA-256, and what is known of each in a table beside them.
//
// It is independent of the app's rows: a photo waits for its upload whatever
// its row does. It never deletes a file that a record names and of which the
// server has not signed a receipt in its present history, and never calls a photo uploaded for any
// other reason than such a receipt: not for a 200 of a sign-in page, not for a
// short answer.
//
// # States of a photo × what happens
//
//	            named by a row  plan: have  put or parts  commit, receipt  refused    failed
//	stored      queued          –           –             –                –          –
//	queued      –               verified    uploading     verified         attention  queued, later
//	uploading   –               verified    uploading     verified         attention  queued, later
//	attention   –               verified    uploading     verified         attention  attention, later
//	verified    –               –           –             –                –          –
//
// A photo that stays stored is one whose record never came about: its
// photographer sees it and names it after all, or discards it.
//
// Every state that waits has a timer of its own (next_at), so one photo that
// fails never keeps the others back and none is forgotten. A new history of the
// server makes every verified photo that is still here queued again, and so does
// the office that asks for one; a receipt that is wrong leaves the photo where it
// was. The table of all events is in PROTOCOL.md, section 8.
//
// On a network that costs money the technician's [Rule] keeps originals back: such
// a photo stays queued, without a timer, until the network or the rule is another.
// Small things always go. Several photos may go at once, see [Uploader.Round].
//
// A file is written under a temporary name, synced, renamed, and its folder
// synced: after a crash it is there whole or not at all.
package attachment
