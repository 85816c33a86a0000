package main

import (
	"fmt"
	"syscall"
)

// fileSystem names what holds dir. A disk that is memory can't show what
// durable costs.
func fileSystem(dir string) string {
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		return "an unknown file system"
	}
	switch uint32(st.Type) {
	case 0xef53:
		return "ext4"
	case 0x58465342:
		return "xfs"
	case 0x9123683e:
		return "btrfs"
	case 0x01021994:
		return "tmpfs: NOT DURABLE"
	case 0x794c7630:
		return "overlay"
	case 0x2fc12fc1:
		return "zfs"
	}
	return fmt.Sprintf("file system %#x", uint32(st.Type))
}

// mostFiles raises the limit of open files as far as the system lets us and
// says how far; children take it over.
func mostFiles() int {
	var l syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l); err != nil {
		return fewFiles
	}
	l.Cur = l.Max
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &l); err != nil {
		return fewFiles
	}
	return int(min(l.Cur, 1<<20))
}
