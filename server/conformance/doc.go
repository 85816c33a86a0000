// Command conformance tells whether a server, or a phone app in any language,
// keeps the protocol (syncproto/PROTOCOL.md). It imports nothing of the server
// and nothing of the phone's SDK: what it knows is what both ends agree on.
//
//	go run ./server/conformance -server URL -codes A,B,C [-other D] [-revoke "cmd {device}"] [-keep FILE] [-json]
//	go run ./server/conformance -server URL -again FILE [-json]
//	go run ./server/conformance -phone "cmd args" [-vectors testdata/conformance] [-json]
//
// It prints a table: number, section, promise, check, result, what was expected
// and what was seen; with -json one object. Exit 0 when nothing failed, 1 when
// something did, 2 on misuse. A check that could not be made, because something
// optional was not given, is listed as "not run" with the reason.
//
// # A server
//
// The server needs no preparation but an installer with three enrolment codes
// (-codes), valid and unused, and better also a second installer of the same
// centre with one (-other). The kit is a phone: it enrols, pushes, pulls and
// uploads as these two, sound things and everything that must be refused.
// -revoke is a command that signs a device out, as the office would; {device}
// in it becomes the device's id. What the kit wrote stays in the logs of the
// server, as everything does: use one that is for tests.
//
// Two things need time or a restore between two runs. -keep writes what one
// phone has (its key too) to a file at the end; -again reads it, once the server
// was restored and has another history, and checks what that phone is told:
// about its cursor, about a push with the old history, and, where access tokens
// live no longer than -patience, about one that has ended.
//
// # A phone
//
// The kit starts the program and writes one JSON object a line to its input;
// for each the program writes one line to its output, with the same "id". Bytes
// are lower-case hex, ids uuid text, cells are written as in the vectors
// (testdata/conformance/README.md). A line with "error" says that the command
// failed; "error": "unknown-command" that the program does not know it, and the
// checks that need it are listed as not run. What the program writes to its
// standard error is shown on failure. The kit closes its input at the end.
//
//	do       with                              answer
//	hello    –                                 name
//	encode   change                            bytes
//	decode   bytes                             change, or error "undecodable"
//	chain    device, epoch, changes [bytes]    heads [h(0) … h(n)], digests
//	sign     seed, device, epoch, last, head, boot, mono, wall    message, signature
//	prove    seed, device ("" for none), code  message, signature
//	body     the members of push.json          body: the push as it is sent
//	answer   body                              acked, head, outcomes, server_time, hlc, receipt
//	sum      rows [{table, row, rev}]          parts [16 hex digits], sum
//	summary  a case of summaries.json          content, hash
//	page     body                              history, rows, removed, more, next, hlc, passed; or error
//	receipt  keys [{kid, public_key}], token   payload; or error "forged", "unknown-key"
//
// and, to live with a server that the kit plays itself (plain HTTP):
//
//	open     dir, server    opens the phone's files in the folder, or makes them
//	enrol    code           device, person
//	record   edits [{table, row?, op, cols}]   rows [ids]; one transaction, saved when answered
//	attach   body, type, purpose               sha256; also records nothing: a row is to name it
//	sync     –              one whole round now, whatever timers run; problem ("" for none)
//	state    –              pending, held, uploads (without a receipt), wait_ms (until it tries again by itself),
//	                        epoch, history, enrolled
//	rows     table          rows [{row, cols}] as the app shows them
//	close    –              closes the files; what runs ends
//
// A sync that fails is no error: the answer's problem is a word of the phone's
// own. The kit reads state, and what came over the network, instead.
//
// The package must never weaken a check because one implementation needs it:
// what PROTOCOL.md does not say is not checked.
package main
