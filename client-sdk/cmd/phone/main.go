// Command phone is the installers' app on a desk: one phone in a process of its
// own, with its own data folder and its own loopback address.
//
//	phone -data DIR -server URL [-code CODE] [-listen 127.0.0.1:0] [-lang zh-CN] [-metered] [-json]
//
// It prints the address to open, the launch's token in it, and runs until
// SIGTERM or Ctrl-C. Everything recorded is on disk before the page says so;
// killing the process loses nothing.
package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"syscall"
	"time"

	clientsdk "siteledger/client-sdk"
	"siteledger/client-sdk/phone"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if errors.Is(err, flag.ErrHelp) {
		os.Exit(2)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "phone:", err)
		os.Exit(1)
	}
}

type options struct {
	data, listen, server, code, lang string
	asJSON, metered                  bool
}

func parse(args []string, out io.Writer) (options, error) {
	var o options
	f := flag.NewFlagSet("phone", flag.ContinueOnError)
	f.SetOutput(out)
	f.StringVar(&o.data, "data", "phone-data", "folder of this phone's data; one phone, one folder")
	f.StringVar(&o.listen, "listen", "127.0.0.1:0", "loopback address of the pages; port 0 takes a free one")
	f.StringVar(&o.server, "server", "", "base URL of the sync server")
	f.StringVar(&o.code, "code", "", "enrol with this one-time code at the start, if not enrolled yet")
	f.StringVar(&o.lang, "lang", "zh-CN", "language until the person chooses one: zh-CN or en")
	f.BoolVar(&o.metered, "metered", false, "the network costs money: the rule on the page 待上传 says which originals wait")
	f.BoolVar(&o.asJSON, "json", false, "print one line of JSON instead of words")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if f.NArg() > 0 {
		return o, fmt.Errorf("unknown argument %q", f.Arg(0))
	}
	if o.lang != "zh-CN" && o.lang != "en" {
		return o, fmt.Errorf("-lang %q: only zh-CN and en", o.lang)
	}
	return o, onlyLoopback(o.listen)
}

// onlyLoopback keeps the pages, and with them customers' names, off the network.
func onlyLoopback(listen string) error {
	host, _, err := net.SplitHostPort(listen)
	if err != nil {
		return fmt.Errorf("-listen %q: %w", listen, err)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return fmt.Errorf("-listen %q: only a loopback address, such as 127.0.0.1:0", listen)
	}
	return nil
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	o, err := parse(args, stderr)
	if err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(stderr, nil))
	dir, err := filepath.Abs(o.data)
	if err != nil {
		return fmt.Errorf("-data: %w", err)
	}
	if o.server == "" {
		o.server = rememberedServer(dir)
	}
	if o.server == "" {
		return errors.New("-server is needed the first time: the sync server's base URL")
	}
	client, err := clientsdk.Open(clientsdk.Config{
		Dir: dir, Server: o.server, Log: log, Platform: runtime.GOOS, Model: "desk", App: "siteledger-phone",
		Metered: func() bool { return o.metered },
	})
	if err != nil {
		return fmt.Errorf("open %s: %w", dir, err)
	}
	defer func() { _ = client.Close() }()
	if err := rememberServer(dir, o.server); err != nil {
		return err
	}
	if err := enrol(ctx, client, o.code); err != nil {
		return err
	}
	return serve(ctx, client, o, dir, log, stdout)
}

func enrol(ctx context.Context, client *clientsdk.Client, code string) error {
	if _, ok := client.Identity(); ok || code == "" {
		return nil
	}
	if err := client.Enrol(ctx, code); err != nil {
		return fmt.Errorf("enrol: %w", err)
	}
	return nil
}

// serve runs pages and sync until the context ends, then lets open answers
// finish before the client closes.
func serve(ctx context.Context, client *clientsdk.Client, o options, dir string, log *slog.Logger, stdout io.Writer) error {
	token, err := newToken()
	if err != nil {
		return err
	}
	handler, err := phone.New(phone.Config{Client: client, Token: token, Server: o.server, Dir: dir, Lang: o.lang, Log: log})
	if err != nil {
		return err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", o.listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	base, cancelBase := context.WithCancel(context.Background())
	defer cancelBase()
	server := &http.Server{
		Handler: handler, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute,
		BaseContext: func(net.Listener) context.Context { return base },
		ErrorLog:    slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	if err := announce(stdout, o.asJSON, "http://"+listener.Addr().String()+"/?t="+token, dir); err != nil {
		return err
	}
	syncing, stopSync := context.WithCancel(ctx)
	synced := make(chan error, 1)
	go func() { synced <- client.Run(syncing) }()
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err = <-served:
		err = fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
		err = nil
	}
	cancelBase() // ends the event streams
	closing, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if serr := server.Shutdown(closing); err == nil && serr != nil {
		err = fmt.Errorf("stop: %w", serr)
	}
	stopSync()
	if rerr := <-synced; err == nil && rerr != nil && !errors.Is(rerr, context.Canceled) {
		err = fmt.Errorf("sync: %w", rerr)
	}
	return err
}

func announce(w io.Writer, asJSON bool, url, dir string) error {
	if asJSON {
		return json.NewEncoder(w).Encode(map[string]string{"url": url, "data": dir})
	}
	_, err := fmt.Fprintf(w, "手机应用 Phone app: %s\n数据 Data: %s\n", url, dir)
	return err
}

// newToken is this launch's secret: 32 random bytes.
func newToken() (string, error) {
	b := make([]byte, 32)
	if _, err := rand.Read(b); err != nil {
		return "", fmt.Errorf("token: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(b), nil
}

const serverFile = "server.txt"

// rememberedServer is the server of the last start, so that a restart needs no
// flag.
func rememberedServer(dir string) string {
	b, err := os.ReadFile(filepath.Join(dir, serverFile))
	if err != nil {
		return ""
	}
	return string(b)
}

func rememberServer(dir, server string) error {
	if rememberedServer(dir) == server {
		return nil
	}
	if err := os.WriteFile(filepath.Join(dir, serverFile), []byte(server), 0o600); err != nil {
		return fmt.Errorf("remember the server: %w", err)
	}
	return nil
}
