//go:build !linux && !darwin

package metrics

// Disk answers the room left for and the size of the disk under a folder, in
// bytes; -1 where the system does not say.
func Disk(string) (free, size float64) { return -1, -1 }
