//go:build !linux

package main

// fileSystem is known on Linux alone. So are a process's books: elsewhere the
// program says at its first row that it can't read them.
func fileSystem(string) string { return "an unknown file system" }

func mostFiles() int { return fewFiles }
