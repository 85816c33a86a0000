// Package report is what the screens read: rows shaped for a page, and the
// interfaces by which a page asks for them. It owns the meaning of each list
// (what counts as silent, at risk, incomplete); the SQL stands in
// server/store, one file of the same name per noun.
//
// It never writes, never reads another centre than it is asked for, and never
// computes its own idea of "complete": that is the job's one column.
package report
