//go:build !linux

package cutfs

import "fmt"

// Mount is a disk that lies under a folder of the machine.
type Mount struct{ Dir string }

// Able says whether this machine can mount a disk: only Linux can.
func Able() error { return fmt.Errorf("%w: this is not Linux", ErrNoFUSE) }

// Mount is refused.
func (d *Disk) Mount(string) (*Mount, error) { return nil, Able() }

// Close does nothing.
func (m *Mount) Close() error { return nil }
