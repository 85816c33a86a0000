package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// lacking says what is missing on the machine and could not be installed.
type lacking struct{ what []string }

func (l *lacking) Error() string {
	return fmt.Sprintf("missing: %s\non Debian, as root: apt-get install --no-install-recommends %s", strings.Join(l.what, ", "), strings.Join(l.what, " "))
}

// needs are Debian packages and how to see that what they bring is there.
var needs = []struct {
	deb  string
	have func(ctx context.Context) bool
}{
	{"chromium", func(context.Context) bool { return found("chromium", "chromium-browser", "google-chrome") }},
	{"fonts-wqy-microhei", chineseFont},
	{"gcc", func(context.Context) bool { return found("gcc", "clang") }},
	{"libc6-dev", headers},
	{"postgresql", func(context.Context) bool { return database() }},
}

func found(names ...string) bool {
	for _, n := range names {
		if _, err := exec.LookPath(n); err == nil {
			return true
		}
	}
	return false
}

// chineseFont asks fontconfig, and looks for the file where there is none.
func chineseFont(ctx context.Context) bool {
	if out, err := exec.CommandContext(ctx, "fc-list", ":lang=zh-cn", "file").Output(); err == nil {
		return len(strings.TrimSpace(string(out))) > 0
	}
	_, err := os.Stat("/usr/share/fonts/truetype/wqy/wqy-microhei.ttc")
	return err == nil
}

// database are the programs of a throw-away cluster.
func database() bool {
	programs, err := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	return err == nil && len(programs) > 0 || found("postgres")
}

// headers are what the race detector's C compiler needs.
func headers(context.Context) bool {
	_, err := os.Stat("/usr/include/stdlib.h")
	return err == nil || runtime.GOOS != "linux"
}

// provide installs what the tests need, where this is Debian and root.
// Elsewhere it says exactly what is missing.
func provide(ctx context.Context, out io.Writer) error {
	var missing []string
	for _, n := range needs {
		if !n.have(ctx) {
			missing = append(missing, n.deb)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	if os.Geteuid() != 0 || !found("apt-get") {
		return &lacking{missing}
	}
	fmt.Fprintf(out, "=== installing %s\n", strings.Join(missing, " "))
	for _, args := range [][]string{{"update"}, append([]string{"install", "-y", "--no-install-recommends"}, missing...)} {
		cmd := exec.CommandContext(ctx, "apt-get", args...)
		cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
		cmd.Stdout, cmd.Stderr = out, out
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("apt-get %s: %w\n%w", args[0], err, &lacking{missing})
		}
	}
	return nil
}
