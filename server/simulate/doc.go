// Command simulate plays whole weeks of a service centre in seconds: the real
// server and several real phones in one goroutine, on real SQLite files, over
// a network, a clock, a disk and a photo storage that fail as a seeded
// generator says. After every step and at quiet points it checks what the
// protocol promises; a seed that fails prints the promise, its last steps and
// the command that replays it.
//
// It must never use the real clock, the real network or unseeded chance for a
// decision, so that a seed gives the same story each time, and never repair
// what it finds: a finding fails the run.
package main
