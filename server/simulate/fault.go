package main

import "sort"

// The kinds of faults. Each seed draws which of them exist in its world; one
// that a whole run never reached fails the run.
const (
	requestLost    = "request lost"
	answerLost     = "answer lost after commit"
	duplicateNow   = "duplicate now"
	duplicateLater = "duplicate days later"
	tornRequest    = "torn request"
	tornAnswer     = "torn answer"
	flippedBit     = "flipped bit"
	slowAnswer     = "slow answer"
	timeout        = "timeout"
	busy           = "503 busy"
	pushRefused    = "blob before record"
	recordFirst    = "record before blob"
	staleAnswer    = "stale answer"
	captivePortal  = "captive portal"
	crashBefore    = "server crash before commit"
	crashAfter     = "server crash after commit"
	serverPower    = "power cut on the server"
	serverRestored = "server restored from an older backup"
	diskFull       = "server disk full"
	tokenExpired   = "access token expired"
	refreshLost    = "refresh answer lost"
	storageDown    = "storage down"
	storageFails   = "storage 500"
	storageWrong   = "storage wrong bytes"
	storageLost    = "storage answer lost"
	phoneKilled    = "phone killed in a sync"
	phonePower     = "power cut on a phone"
	phoneRestored  = "phone restored from an old image"
	phoneCloned    = "two phones with one identity"
	clockHour      = "clock jump of an hour"
	clockDays      = "clock jump of 40 days"
	clock2100      = "clock in 2100"
	clock1970      = "clock in 1970"
	deviceRevoked  = "device revoked"
	jobMoved       = "job reassigned while offline"
	feedMoves      = "feed moves between pages"
	phoneOlder     = "phone with an older app"
	phoneUpgraded  = "phone given a newer app"
	serverUpgraded = "server given a newer build"
)

// kinds lists all kinds, by how they come about: those of one request to the
// server, of one request to the storage, and of a step.
func callKinds() []string {
	return []string{requestLost, answerLost, duplicateNow, duplicateLater, tornRequest, tornAnswer, flippedBit, slowAnswer, timeout, busy, pushRefused,
		recordFirst, staleAnswer, captivePortal, crashBefore, crashAfter, serverPower, diskFull, tokenExpired, refreshLost, feedMoves, phoneKilled}
}

func storageKinds() []string { return []string{storageDown, storageFails, storageWrong, storageLost} }

// often is how many times more often than others a kind is drawn where it
// fits, since it seldom does.
func often(kind string) int {
	switch kind {
	case recordFirst, staleAnswer, flippedBit, diskFull, pushRefused, tornRequest, refreshLost, crashBefore, duplicateLater:
		return 5
	case serverRestored, jobMoved:
		return 2
	}
	return 1
}

func stepKinds() []string {
	return []string{phonePower, serverRestored, phoneRestored, phoneCloned, clockHour, clockDays, clock2100, clock1970, deviceRevoked, jobMoved}
}

// drawnKinds are those that each world draws.
func drawnKinds() []string {
	out := append(append(callKinds(), storageKinds()...), stepKinds()...)
	sort.Strings(out)
	return out
}

// allKinds are those that a run has to reach.
func allKinds() []string {
	out := append(drawnKinds(), phoneOlder, phoneUpgraded, serverUpgraded)
	sort.Strings(out)
	return out
}

// fits says whether a kind can happen to a request of a path.
func fits(kind, path string) bool {
	switch kind {
	case duplicateLater:
		return path == pathPush || path == pathCommit
	case pushRefused, staleAnswer:
		return path == pathPush
	case recordFirst:
		return path == pathPlan
	case refreshLost:
		return path == pathToken
	case flippedBit:
		return path == pathPush || path == pathCommit || path == pathPlan
	case tornRequest:
		return path != pathPull && path != pathToken
	case diskFull, crashBefore:
		return path == pathPush || path == pathCommit
	case crashAfter, serverPower:
		return path != pathPull
	case tokenExpired:
		return path == pathPush || path == pathPull
	case feedMoves:
		return path == pathPull
	}
	return true
}
