// Command demo runs everything in one process on sample data: the server with
// its two doors, the object storage, and one installer's phone behind a network
// that can be cut. It is the one program, besides tests, that holds both ends.
//
//	go run ./server/demo [-listen 127.0.0.1:0] [-data DIR] [-json]
//
// Without -data the data lives in a temporary folder that is removed at exit.
// A folder that has the sample data already is used as it is.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if errors.Is(err, flag.ErrHelp) {
		os.Exit(2)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

type options struct {
	listen string
	data   string
	seed   uint64
	asJSON bool
	log    slog.Level
}

func parse(args []string, out io.Writer) (options, error) {
	var o options
	f := flag.NewFlagSet("demo", flag.ContinueOnError)
	f.SetOutput(out)
	f.StringVar(&o.listen, "listen", "127.0.0.1:0", "address of the server; port 0 takes free ports, port N also uses the five behind it")
	f.StringVar(&o.data, "data", "", "data folder; empty: a temporary one, removed at exit")
	f.Uint64Var(&o.seed, "seed", 1, "seed of the sample data")
	f.BoolVar(&o.asJSON, "json", false, "print one line of JSON instead of words")
	f.TextVar(&o.log, "log", slog.LevelWarn, "least level of log lines: debug, info, warn, error")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if f.NArg() > 0 {
		return o, fmt.Errorf("unknown argument %q", f.Arg(0))
	}
	if _, _, err := net.SplitHostPort(o.listen); err != nil {
		return o, fmt.Errorf("-listen %q: %w", o.listen, err)
	}
	return o, nil
}

// address is the n-th address from -listen on; port 0 stays free.
func (o options) address(n int) string {
	host, port, err := net.SplitHostPort(o.listen)
	if err != nil {
		return o.listen
	}
	if p, err := strconv.Atoi(port); err == nil && p != 0 {
		port = strconv.Itoa(p + n)
	}
	return net.JoinHostPort(host, port)
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) (err error) {
	o, err := parse(args, stderr)
	if err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: o.log}))
	if o.data == "" {
		if o.data, err = os.MkdirTemp("", "siteledger-demo-"); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(o.data)) }()
	} else if o.data, err = filepath.Abs(o.data); err != nil {
		return err
	}
	d, err := open(ctx, o, log, stderr)
	if err != nil {
		if ctx.Err() != nil {
			return nil // stopped while loading
		}
		return err
	}
	defer func() { err = errors.Join(err, d.close()) }()
	info, err := d.info(ctx)
	if err != nil {
		return err
	}
	if o.asJSON {
		if err := json.NewEncoder(stdout).Encode(info); err != nil {
			return err
		}
	} else if err := d.tell(stdout, info); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		fmt.Fprintln(stderr, "正在停止 · stopping")
		return nil
	case err := <-d.failed:
		return err
	}
}
