package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
)

// targets are the systems that must build without a C compiler.
var targets = []string{"linux/amd64", "linux/arm64", "android/arm64", "darwin/arm64", "windows/amd64"}

// shipped are the programs that are built for each target.
var shipped = []string{"./server", "./client-sdk/cmd/phone"}

// drilled is the package whose tests are the short form of what the drill then
// does in full.
const drilled = "siteledger/server/drill"

func checks(fig *figures) []check {
	all := []check{
		{name: "gofmt", do: formatted},
		{name: "go vet", do: command("go", "vet", "./...")},
		{name: "staticcheck", do: command("go", "tool", "staticcheck", "./...")},
		{name: "go mod verify", do: command("go", "mod", "verify")},
	}
	for _, target := range targets {
		all = append(all, check{name: "build " + target, slow: true, do: func(ctx context.Context, t *task) error { return build(ctx, t, target) }})
	}
	all = append(all,
		check{name: "drill", slow: true, beside: true, do: fig.drilled},
		check{name: "go test", do: func(ctx context.Context, t *task) error { return tested(ctx, t, fig) }},
		check{name: "second S3", slow: true, do: func(ctx context.Context, t *task) error { return secondStorage(ctx, t, fig) }},
	)
	for _, r := range races {
		all = append(all, check{name: "race: " + r.name, slow: true, do: func(ctx context.Context, t *task) error { return r.run(ctx, t, fig) }})
	}
	return append(all,
		check{name: "race: simulator", slow: true, do: racedSimulator},
		check{name: "simulate", slow: true, do: fig.simulated},
	)
}

// command is a program run in the repository.
func command(name string, args ...string) func(context.Context, *task) error {
	return func(ctx context.Context, t *task) error { return t.run(exec.CommandContext(ctx, name, args...)) }
}

// atOnce is how many packages are tested at the same time. Most tests wait
// now and then, for a disk, a browser or a process.
func atOnce() string { return "-p=" + strconv.Itoa(2*runtime.NumCPU()) }

// tested runs all tests but those that the drill has in full. Vet ran before;
// what a debugger needs is left out, because each package is linked once.
func tested(ctx context.Context, t *task, fig *figures) error {
	b, err := exec.CommandContext(ctx, "go", "list", "./...").Output()
	if err != nil {
		return fmt.Errorf("go list: %w", err)
	}
	packages := slices.DeleteFunc(strings.Fields(string(b)), func(p string) bool { return p == drilled })
	return fig.counted(func(log string) error {
		cmd := exec.CommandContext(ctx, "go", append([]string{"test", "-vet=off", "-ldflags=-w", atOnce(), "-timeout", "12m"}, packages...)...)
		cmd.Env = append(os.Environ(), log)
		cmd.Stdout = io.MultiWriter(t.out, fig)
		cmd.Stderr = cmd.Stdout
		return t.run(cmd)
	})
}

// formatted lists files that gofmt would change.
func formatted(ctx context.Context, t *task) error {
	goroot, err := exec.CommandContext(ctx, "go", "env", "GOROOT").Output()
	if err != nil {
		return err
	}
	gofmt := filepath.Join(strings.TrimSpace(string(goroot)), "bin", "gofmt")
	b, err := exec.CommandContext(ctx, gofmt, "-l", "client-sdk", "migrations", "server", "syncproto").CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %s", err, b)
	}
	if len(b) > 0 {
		_, _ = t.out.Write(b)
		return errors.New("these files are not formatted")
	}
	return nil
}

// build builds the shipped programs for one target, without cgo.
func build(ctx context.Context, t *task, target string) error {
	dir, err := os.MkdirTemp("", "siteledger-build-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	goos, arch, _ := strings.Cut(target, "/")
	cmd := exec.CommandContext(ctx, "go", append([]string{"build", "-ldflags=-s -w", "-o", dir + string(filepath.Separator)}, shipped...)...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+goos, "GOARCH="+arch)
	if err := t.run(cmd); err != nil {
		return err
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, f := range files {
		if info, err := f.Info(); err == nil {
			fmt.Fprintf(t.out, "%-12s %5.1f MB\n", f.Name(), float64(info.Size())/1e6)
		}
	}
	return nil
}
