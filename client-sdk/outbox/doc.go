// Package outbox is the phone's log: every change that was recorded here, as
// bytes that are made once, numbered without gaps, chained by hash and signed
// at the head. It waits until the server has it, and 35 days longer.
//
// It must never drop a change that the server has not acknowledged, never give
// a number twice, never change recorded bytes. All of it works inside the
// caller's transaction, so a change and what the screen shows of it are one
// commit.
//
// # The life of a change
//
//	pending    recorded; not acknowledged
//	acked      on the server's disk; the feed has not shown it yet
//	confirmed  in the rows of the feed (the feed has passed it)
//	held       acknowledged; a person decides; the screen goes on showing it
//	denied     acknowledged; without effect; listed for the technician
//	refused    was held, and the office decided against it (or, let go from
//	           behind another change, failed by itself)
//	moved      re-recorded in a later log after a fork
//
//	          push answered 200             feed passed      decided    forked
//	pending   acked, held or denied         –                –          moved
//	acked     –                             confirmed        –          moved
//	held      –                             held             confirmed  moved
//	                                                         or refused
//	confirmed –                             –                –          moved
//	any       a server that lost it (gap after a restore): pending again
//
// # The log and the server's answer
//
// What each answer to a push does. Every row is answered by sending again at
// once, except the last three, which wait by [Policy.Next].
//
//	200 acked = end of the batch    done with it; the next batch
//	200 acked beyond my own end     a phone restored from a backup: new log
//	200 acked beyond, other head    forked behind the batch: compare from there
//	409 log-gap                     acked goes back to the server's; from there
//	409 log-forked, first time      again from my own acked + 1
//	409 log-forked, prev matched    new log; re-record from common + 1
//	409 log-forked, prev differs    search lower, twice as far each time
//	409 history-changed             every log proves its end again; until then
//	                                it counts as unsent, and nothing is pruned
//	413                             half the batch; one transaction is the least
//	401 after a new token           wait for a person (sign-in)
//	403 device-revoked              wait for a person
//	429, 5xx, no answer, others     back off
//
// A batch may travel packed, see [Batch.Packed]: other words for the same bytes,
// proven before they are sent. Salts are made with keys that follow from the
// device's own, so that a packed batch names a key instead of every salt.
//
// # Waiting
//
// A retry is a [State] with a timer, kept in the file, and never an event that
// can be missed: see [Policy.Next] for the whole table of state × event.
package outbox
