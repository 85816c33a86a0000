package embedded_test

import (
	"net"
	"net/http"
	"testing"

	"siteledger/server/blob/blobtest"
	"siteledger/server/blob/embedded"
)

// endpoint is the embedded storage on a port of its own that a restart keeps.
type endpoint struct {
	t       *testing.T
	cfg     embedded.Config
	address string
	server  *embedded.Server
	http    *http.Server
}

func (e *endpoint) start() {
	e.t.Helper()
	s, err := embedded.New(e.cfg)
	if err != nil {
		e.t.Fatal(err)
	}
	l, err := net.Listen("tcp", e.address)
	if err != nil {
		e.t.Fatal(err)
	}
	e.address, e.server, e.http = l.Addr().String(), s, &http.Server{Handler: s}
	go e.http.Serve(l)
}

func (e *endpoint) stop() {
	e.http.Close()
	e.server.Close()
}

func TestStorage(t *testing.T) {
	blobtest.RunStorage(t, func(t *testing.T) blobtest.Storage {
		e := &endpoint{t: t, address: "127.0.0.1:0", cfg: embedded.Config{
			Dir: t.TempDir(), AccessKey: "sitekey", SecretKey: "a secret of the test run", Bucket: "photos",
		}}
		e.start()
		t.Cleanup(func() { e.stop() })
		return blobtest.Storage{
			Endpoint: "http://" + e.address, AccessKey: e.cfg.AccessKey, SecretKey: e.cfg.SecretKey,
			Region: embedded.DefaultRegion, Bucket: e.cfg.Bucket,
			Restart: func() { e.stop(); e.start() },
		}
	})
}
