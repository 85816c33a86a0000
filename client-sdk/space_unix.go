//go:build linux || darwin

package clientsdk

import (
	"fmt"
	"syscall"
)

// freeBytes asks the system how much an ordinary user may still write.
func freeBytes(dir string) (int64, error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return 0, fmt.Errorf("free space of %s: %w", dir, err)
	}
	return int64(s.Bavail) * int64(s.Bsize), nil
}
