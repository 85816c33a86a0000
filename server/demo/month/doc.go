// Package month makes the sample data: one ordinary month of one service
// centre, and a glimpse of a second one, as the people and phones of those
// centres would have written it.
//
// [New] draws a plan from a seed and a moment: who works there, which customer
// rang when, who went, what was recorded, which phone came back late or with a
// wrong clock. The plan is data and a function of seed and moment alone.
// [Load] plays it into a server in the order of its time: office rows through
// the ledger, installers' rows as logs that their phones signed, photographs
// through the object storage. It never writes behind the ledger's back.
//
// All names, addresses and numbers are made up; no real person, firm or place
// is meant.
package month
