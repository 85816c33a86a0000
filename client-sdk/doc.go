// Package clientsdk is what runs on an installer's phone: it records offline,
// shows what was recorded at once, and brings phone and server together when
// there is a network.
//
// # How to use it
//
//	c, err := clientsdk.Open(clientsdk.Config{Dir: dir, Server: "https://…", HTTP: http.DefaultClient})
//	if err != nil { … }                      // a broken or foreign file, a full disk
//	defer c.Close()
//	go c.Run(ctx)                            // syncs for ever; needs no network to start
//
//	if _, ok := c.Identity(); !ok {
//		err = c.Enrol(ctx, code)         // the one call that needs the network
//	}
//
//	err = c.Edit(ctx, func(e *clientsdk.Edit) error {   // one transaction
//		visit, err := e.Insert("visit", map[string]any{"job": job, "person": me, "started_at": now})
//		…
//	})
//	err = c.View(ctx, func(v *clientsdk.View) error {   // one snapshot
//		jobs, err := v.Rows("job", clientsdk.Query{OrderBy: "slot_from"})
//		…
//	})
//
// # What it promises
//
//   - When [Client.Edit] or [Client.Attach] returns nil, the work is on the
//     phone's disk (synced). A kill, a crash or an empty battery after that
//     loses nothing, and one before that leaves no half of it.
//   - Nothing recorded is ever dropped by a sync, a sign-out, a reset, or a row
//     that leaves the phone's audience. Unsent work waits, and is listed.
//   - A photo's own copy is deleted only against a receipt that the server
//     signed for its hash.
//   - The phone's clock is a witness, not a judge: neither order nor acceptance
//     depends on it.
//   - Whatever fails is tried again by itself: each state that waits has a timer.
//
// # What it must never do
//
// It never imports the server. It never shows a half of a pull. It never
// re-encodes a recorded change (re-recording after a fork keeps all but its
// number). It never sends the access token to the photo store.
//
// # Rooms
//
// localdb is the SQLite file; outbox the log that waits; replica the rows that
// the app shows (the server's plus mine); attachment the photo store; transport
// the HTTP client; serverkey the check of what the server signed. This package
// composes them.
package clientsdk
