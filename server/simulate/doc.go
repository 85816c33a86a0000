// Command simulate plays whole weeks of a service centre in seconds: the real
// server and several real phones in one goroutine, on real SQLite files, over
// a network, a clock, a disk and a photo storage that fail as a seeded
// generator says. After every step and at quiet points it checks what the
// protocol promises; a seed that fails prints the promise, its last steps and
// the command that replays it. In every second world the server and some phones
// begin with the oldest version of the schema and are upgraded on the way.
//
// Each worker is a process of its own on one processor. A power cut takes away
// what SQLite wrote to a database and did not sync, since the simulator stands
// between SQLite and its files. What it does not show: the kernel, the photo
// folders' own syncing, TLS, two server processes, PostgreSQL; those have their
// own drills and tests.
//
// It must never use the real clock, the real network or unseeded chance for a
// decision, so that a seed gives the same story each time, and never repair
// what it finds: a finding fails the run.
package main
