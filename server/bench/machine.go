package main

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// machine says where the figures are from.
type machine struct {
	CPU    string `json:"cpu"`
	Cores  int    `json:"cores"`
	Memory int64  `json:"memory_bytes"`
	Kernel string `json:"kernel"`
	Go     string `json:"go"`
	Disk   string `json:"disk"` // the file system below the data
	Fsync  string `json:"fsync"`
	Load   string `json:"load"` // of the last minute, before the first row
	At     string `json:"at"`
}

func (m machine) String() string {
	return fmt.Sprintf("%s, %d cores, %d GB, %s, %s, data on %s (fsync %s), load %s, %s", m.CPU, m.Cores, (m.Memory+1<<29)>>30, m.Kernel, m.Go, m.Disk, m.Fsync, m.Load, m.At)
}

func lookAround(dir string, now time.Time) (machine, error) {
	m := machine{CPU: field("/proc/cpuinfo", "model name"), Cores: runtime.NumCPU(), Go: runtime.Version(), At: now.Format("2006-01-02 15:04")}
	if kb, err := strconv.ParseInt(strings.Fields(field("/proc/meminfo", "MemTotal") + " 0")[0], 10, 64); err == nil {
		m.Memory = kb << 10
	}
	if b, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		m.Kernel = "Linux " + strings.TrimSpace(string(b))
	}
	if b, err := os.ReadFile("/proc/loadavg"); err == nil {
		m.Load, _, _ = strings.Cut(string(b), " ")
	}
	m.Disk = fileSystem(dir)
	took, err := fsyncTime(dir)
	m.Fsync = took.Round(time.Microsecond).String()
	return m, err
}

// field reads "name : value" of a file of /proc.
func field(path, name string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		if k, v, ok := strings.Cut(s.Text(), ":"); ok && strings.TrimSpace(k) == name {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

// fsyncTime is the median time of writing 4 KB and making it durable.
func fsyncTime(dir string) (time.Duration, error) {
	f, err := os.Create(filepath.Join(dir, "fsync"))
	if err != nil {
		return 0, err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	var took series
	for range 21 {
		start := time.Now()
		if _, err := f.Write(make([]byte, 4096)); err != nil {
			return 0, err
		}
		if err := f.Sync(); err != nil {
			return 0, err
		}
		took = append(took, float64(time.Since(start)))
	}
	return time.Duration(took.median()), nil
}
