package blobtest

import "testing"

// TestExternalStorage judges the S3 that the environment names; without one it
// has nothing to judge, and the embedded endpoint's own test has.
func TestExternalStorage(t *testing.T) {
	if s, ok := External(t); ok {
		RunStorage(t, func(*testing.T) Storage { return s })
	}
}
