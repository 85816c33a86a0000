// Package phone is the installers' app: pages for one hand, dusty thumbs and
// bright sun, served on loopback to the phone's own web view. It works with no
// network at all.
//
// It reads and writes only through [clientsdk.Client]: each tap is one
// transaction in the phone's own log, durable when the page answers, so that a
// phone that dies between two taps loses nothing but the words being typed (and
// those are saved as they are typed). It never talks to the server, never
// decides a merge, never changes the bytes of a photo, and never shows "sent"
// for what only this phone has.
//
// Other apps of the same phone can reach loopback. Every address but the first
// one, which carries the launch's token, answers 403 without the cookie that
// the first one set; the Host and Origin headers are checked too.
//
// It knows where the phone is only where the technician agreed, keeps the last
// fix in memory alone, and writes it down only as part of a photo or an arrival.
//
// Pages are plain HTML forms that work without scripts; small ES modules add
// autosave, the signature pad, browser-made previews and live counts.
package phone
