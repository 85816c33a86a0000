//go:build linux || darwin

package metrics

import "syscall"

// Disk answers the room left for and the size of the disk under a folder, in
// bytes; -1 where the system does not say.
func Disk(dir string) (free, size float64) {
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		return -1, -1
	}
	return float64(st.Bavail) * float64(st.Bsize), float64(st.Blocks) * float64(st.Bsize)
}
