package storetest

import (
	"os/exec"
	"runtime"
)

// start runs a program from a thread of its own, which ends with the program:
// the death signal of a child comes at the end of the thread that made it.
func start(cmd *exec.Cmd, started, done chan<- error) {
	runtime.LockOSThread()
	err := cmd.Start()
	started <- err
	if err == nil {
		done <- cmd.Wait()
	}
}
