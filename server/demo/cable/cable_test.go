package cable_test

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"siteledger/server/demo/cable"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func lay(t *testing.T, target string) *cable.Cable {
	t.Helper()
	c, err := cable.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c.Connect(target)
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

func get(c *cable.Cable) (string, error) {
	tr := &http.Transport{DisableKeepAlives: true}
	defer tr.CloseIdleConnections()
	res, err := (&http.Client{Transport: tr, Timeout: 10 * time.Second}).Get("http://" + c.Addr() + "/")
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return string(b), err
}

func TestCutAndRestore(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "here") }))
	defer srv.Close()
	c := lay(t, srv.Listener.Addr().String())
	for range 3 {
		if got, err := get(c); err != nil || got != "here" {
			t.Fatalf("through the cable: %q, %v", got, err)
		}
		if err := c.Cut(); err != nil {
			t.Fatal(err)
		}
		if _, err := get(c); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Fatalf("while cut: %v, want connection refused", err)
		}
		if !c.IsCut() {
			t.Fatal("a cut cable says it is whole")
		}
		if err := c.Restore(); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := get(c); err != nil || got != "here" {
		t.Fatalf("after all: %q, %v", got, err)
	}
}

// A connection that is open when the cable is cut is reset in the middle.
func TestCutResetsOpenConnections(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	accepted := make(chan net.Conn, 1)
	go func() {
		if conn, err := l.Accept(); err == nil {
			accepted <- conn
		}
	}()
	c := lay(t, l.Addr().String())
	conn, err := net.Dial("tcp", c.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	far := <-accepted
	defer far.Close()
	buf := make([]byte, 5)
	if _, err := io.ReadFull(far, buf); err != nil || string(buf) != "hello" {
		t.Fatalf("%q, %v", buf, err)
	}
	if err := c.Cut(); err != nil {
		t.Fatal(err)
	}
	if err := conn.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Read(buf); !errors.Is(err, syscall.ECONNRESET) {
		t.Fatalf("read after the cut: %v, want a reset", err)
	}
}

func TestWithoutTargetConnectionsAreReset(t *testing.T) {
	c := lay(t, "")
	if _, err := get(c); err == nil {
		t.Fatal("a cable that leads nowhere answered")
	}
}
