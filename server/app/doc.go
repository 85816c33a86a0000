// Package app builds a server out of its parts: the one place that sees all of
// them. Commands, the demo and the tests run the same App.
//
// [OpenCore] opens what works without a network: store, keys, ledger, feed,
// sign-in. [New] adds storage for photos, the API and the screens and listens;
// [App.Run] serves until its context ends, then drains. Nothing here decides
// anything: it only joins.
package app
