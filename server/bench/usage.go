package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// cpuSeconds is the time that a process's threads have run, from the
// scheduler's own books: the clock ticks of /proc/PID/stat are too coarse for
// what takes milliseconds. Go lets hardly any thread end, so none is missed.
func cpuSeconds(pid int) (float64, error) {
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	if err != nil {
		return 0, err
	}
	sum := 0.0
	for _, path := range threads {
		b, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) { // the thread has ended just now
			continue
		}
		if err != nil {
			return 0, err
		}
		ran, _, _ := strings.Cut(string(b), " ")
		ns, err := strconv.ParseFloat(ran, 64)
		if err != nil {
			return 0, fmt.Errorf("%s: %w", path, err)
		}
		sum += ns / 1e9
	}
	if sum == 0 {
		return 0, fmt.Errorf("process %d says nothing of its CPU time", pid)
	}
	return sum, nil
}

// memoryNow is a process's resident memory in bytes.
func memoryNow(pid int) (float64, error) { return statusKB(pid, "VmRSS") }

// memoryPeak is the highest that memoryNow was since [forgetPeak].
func memoryPeak(pid int) (float64, error) { return statusKB(pid, "VmHWM") }

func statusKB(pid int, name string) (float64, error) {
	f := strings.Fields(field(fmt.Sprintf("/proc/%d/status", pid), name))
	if len(f) != 2 || f[1] != "kB" {
		return 0, fmt.Errorf("process %d says nothing of its %s", pid, name)
	}
	n, err := strconv.ParseFloat(f[0], 64)
	return n * 1024, err
}

// forgetPeak lets the peak begin anew at what is resident now.
func forgetPeak(pid int) error {
	return os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", pid), []byte("5"), 0)
}

// mb is a number of bytes in MB of 2^20.
func mb(bytes float64) float64 { return bytes / (1 << 20) }
