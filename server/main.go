// Command server is the SiteLedger sync server. `serve` runs it; the other
// commands work on the same data folder, also while it runs.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"siteledger/server/config"
	"siteledger/server/logline"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	p := program{out: os.Stdout, err: os.Stderr, environ: os.Environ()}
	code := p.run(ctx, os.Args[1:])
	stop()
	os.Exit(code)
}

// program is one call of the command line.
type program struct {
	out, err io.Writer
	environ  []string
}

// command is one word after the program's name.
type command struct {
	name, args, doc string
	run             func(p program, ctx context.Context, args []string) error
}

func commands() []command {
	return []command{
		{"serve", "[-listen ADDR] [-data DIR] [-config FILE]", "run the server until SIGTERM", program.serve},
		{"verify", "[-data DIR] [-json] [-all] [-rebuild]", "read the whole ledger and every photo again; exit 1 at the first fault", program.verify},
		{"verify-bundle", "FILE [-key FINGERPRINT] [-json]", "check an evidence bundle; exit 0 verified, 3 no key given to trust, 1 broken", program.verifyBundle},
		{"key", "[-data DIR]", "print the fingerprint of the server's key", program.key},
		{"backup", "-to DIR [-data DIR] [-json]", "copy database, keys and photos, also while the server runs", program.backup},
		{"restore", "-from DIR -data DIR [-ledger] [-storage DIR]", "make a data folder from a backup", program.restore},
		{"migrate-store", "-database URL [-data DIR]", "move a data folder's records to a PostgreSQL database; may be stopped and run again", program.migrateStore},
		{"new-history", "[-database URL] [-data DIR]", "let a database serve that was recovered to a point in time; no server may run", program.newHistory},
		{"centre", "add -name NAME | list", "service centres", program.centre},
		{"user", "add | list | password | disable | enable", "people and their sign-in", program.user},
		{"device", "list | code -person ID | permit | revoke -device ID", "phones and enrolment codes", program.device},
		{"version", "", "print the version", program.version},
	}
}

// errUsage has been explained already.
var errUsage = errors.New("usage")

// errFault is a verify that found something, and has said so.
var errFault = errors.New("fault found")

func (p program) run(ctx context.Context, args []string) int {
	if len(args) == 0 || args[0] == "help" || args[0] == "-h" || args[0] == "-help" || args[0] == "--help" {
		p.usage()
		if len(args) == 0 {
			return 2
		}
		return 0
	}
	for _, c := range commands() {
		if c.name != args[0] {
			continue
		}
		err := c.run(p, ctx, args[1:])
		switch {
		case err == nil, errors.Is(err, flag.ErrHelp):
			return 0
		case errors.Is(err, errUsage):
			return 2
		case errors.Is(err, errFault):
			return 1
		case errors.Is(err, errUnanchored):
			return 3
		}
		fmt.Fprintf(p.err, "siteledger %s: %v\n", c.name, err)
		return 1
	}
	fmt.Fprintf(p.err, "siteledger: there is no command %q\n\n", args[0])
	p.usage()
	return 2
}

func (p program) usage() {
	fmt.Fprintf(p.err, "SiteLedger sync server\n\nusage: go run ./server COMMAND [flags]\n\n")
	for _, c := range commands() {
		fmt.Fprintf(p.err, "  %-8s %-46s %s\n", c.name, c.args, c.doc)
	}
	fmt.Fprintf(p.err, "\nEach command explains its flags with -h.\n")
}

// flags makes a command's flag set with the settings it takes.
func (p program) flags(name string, keys ...string) (*flag.FlagSet, *config.Flags) {
	fs := flag.NewFlagSet(name, flag.ContinueOnError)
	fs.SetOutput(p.err)
	fs.Usage = func() {
		fmt.Fprintf(p.err, "usage: go run ./server %s [flags]\n", name)
		fs.PrintDefaults()
	}
	return fs, config.AddFlags(fs, keys...)
}

// parse reads flags and settings; what is left over is a usage fault.
func (p program) parse(fs *flag.FlagSet, f *config.Flags, args []string) (config.Config, error) {
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return config.Config{}, err
		}
		return config.Config{}, errUsage
	}
	if fs.NArg() > 0 {
		return config.Config{}, p.misuse(fs, "unexpected %q", fs.Arg(0))
	}
	cfg, err := f.Load(p.environ)
	if err != nil {
		return cfg, p.misuse(fs, "%s", strings.ReplaceAll(err.Error(), "\n", "\n  "))
	}
	return cfg, nil
}

func (p program) misuse(fs *flag.FlagSet, format string, args ...any) error {
	fmt.Fprintf(p.err, "siteledger %s: %s\n", fs.Name(), fmt.Sprintf(format, args...))
	return errUsage
}

// verb takes the word after a command such as "user add".
func (p program) verb(name string, args []string, verbs map[string]func([]string) error, order string) error {
	if len(args) > 0 {
		if run := verbs[args[0]]; run != nil {
			return run(args[1:])
		}
		if args[0] == "-h" || args[0] == "-help" || args[0] == "--help" || args[0] == "help" {
			fmt.Fprintf(p.err, "usage: go run ./server %s VERB [flags], with one of %s\nEach verb explains its flags with -h.\n", name, order)
			return nil
		}
	}
	fmt.Fprintf(p.err, "siteledger %s: want one of %s\n", name, order)
	return errUsage
}

func (p program) logger(l config.Log) *slog.Logger { return logline.New(p.err, l.Format, l.Level) }

func (p program) version(context.Context, []string) error {
	fmt.Fprintln(p.out, buildVersion())
	return nil
}

func buildVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "siteledger (development)"
	}
	return "siteledger " + info.Main.Version + " " + info.GoVersion
}
