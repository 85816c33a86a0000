// Command bench measures the product against the least that the same work can
// cost, side by side in one run.
//
//	go run ./server/bench [-only NAME[,NAME]] [-runs 5] [-full] [-json FILE] [-profile DIR]
//
// Ours is always the real thing: the server as a process of its own, real HTTP
// on the loopback, SQLite with synchronous=FULL on a real disk, and where a
// phone is part of the row, the real client SDK. The floor does the same rows
// with bare statements on the same engine. Both alternate, run by run, so that
// whatever else the machine does meets both. CPU time and memory of a process
// are read from outside, from the system's own books.
//
// No figure is ever written down here: each comes from a measurement of this
// very run, and a row that could not run says why and fails the program. What
// each row means is explained in server/docs/benchmarks.md.
//
// Exit 0: every row ran. 1: one did not. 2: usage. Whether a figure reaches
// its target is printed, and never decides the exit code: that would make it
// depend on the machine.
package main
