package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	clientsdk "siteledger/client-sdk"
	"siteledger/server/app"
	"siteledger/server/auth"
	"siteledger/server/ledger"
	"siteledger/server/store"
	"siteledger/syncproto"
	"siteledger/syncproto/schema"
)

// childWord as the first argument makes this program a victim: a server's
// store, or a phone, that says what it was told and waits for its end.
const childWord = "victim"

func child(ctx context.Context, args []string, in io.Reader, out io.Writer) error {
	if len(args) != 2 {
		return errors.New("want a kind and a folder")
	}
	say := &speaker{out: out}
	switch args[0] {
	case "ledger":
		return ledgerChild(ctx, args[1], in, say)
	case "phone":
		return phoneChild(ctx, args[1], say)
	case "phone-commands":
		return commandedPhone(ctx, args[1], in, say)
	}
	return fmt.Errorf("unknown kind %q", args[0])
}

// speaker writes whole lines.
type speaker struct {
	mu  sync.Mutex
	out io.Writer
}

func (s *speaker) say(format string, args ...any) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, err := fmt.Fprintf(s.out, format+"\n", args...)
	return err
}

// spec is what a store's child is told.
type spec struct {
	Synchronous string
	Centre      uuid.UUID
	Devices     []specDevice
}

type specDevice struct {
	ID, Person uuid.UUID
	Key        []byte
}

// ledgerChild pushes to the real ledger over the real store, several logs at
// once, and says each acknowledgement.
func ledgerChild(ctx context.Context, data string, in io.Reader, say *speaker) error {
	var sp spec
	if err := json.NewDecoder(in).Decode(&sp); err != nil {
		return err
	}
	l, history, err := openLedger(ctx, data, sp.Synchronous)
	if err != nil {
		return err
	}
	if err := say.say("open"); err != nil {
		return err
	}
	failed := make(chan error, len(sp.Devices))
	for i, sd := range sp.Devices {
		d, err := newDevice()
		if err != nil {
			return err
		}
		d.key, d.id, d.person, d.history = sd.Key, sd.ID, sd.Person, history
		d.restart()
		go func() { failed <- pushForEver(ctx, l, sp.Centre, i, d, say) }()
	}
	return <-failed
}

func openLedger(ctx context.Context, data, synchronous string) (*ledger.Ledger, uuid.UUID, error) {
	keys, err := auth.OpenKeys(data, rand.Reader)
	if err != nil {
		return nil, uuid.Nil, err
	}
	st, err := store.Open(ctx, store.Config{Path: filepath.Join(data, app.DatabaseName), Synchronous: synchronous})
	if err != nil {
		return nil, uuid.Nil, err
	}
	newID := func() uuid.UUID { return uuid.Must(uuid.NewV7()) }
	history, err := st.History(ctx, newID(), time.Now().UnixMilli())
	if err != nil {
		return nil, uuid.Nil, err
	}
	l, err := ledger.New(ledger.Config{
		Update: st.UpdateCentre, Create: st.CreateStream, History: history, Schema: schema.MustCurrent(), Signer: keys, Limits: syncproto.DefaultLimits(),
		Now: time.Now, NewID: newID, Salt: func() [16]byte { return uuid.New() },
	})
	return l, history, err
}

func pushForEver(ctx context.Context, l *ledger.Ledger, centre uuid.UUID, n int, d *device, say *speaker) error {
	dev := ledger.Device{ID: d.id, Person: d.person, Centre: centre, Role: schema.Installer, Key: d.key.Public().(ed25519.PublicKey)}
	for size := 1; ; size = size%5 + 1 {
		if err := d.record(size); err != nil {
			return err
		}
		a, err := l.Push(ctx, dev, d.request(d.acked+1, uint64(len(d.log))))
		if err != nil {
			return err
		}
		if err := d.take(a.Acked, a.Head); err != nil {
			return err
		}
		if err := say.say("ack %d %s %d %x", n, d.epoch, a.Acked, a.Head); err != nil {
			return err
		}
	}
}

// offline is a phone's network in a drill.
type offline struct{}

var errOffline = errors.New("no network")

func (offline) RoundTrip(*http.Request) (*http.Response, error) { return nil, errOffline }

func openPhone(dir string) (*clientsdk.Client, error) {
	return clientsdk.Open(clientsdk.Config{Dir: dir, Server: "http://server.drill", HTTP: &http.Client{Transport: offline{}}})
}

// rowsOfEdit is how many rows one transaction of a drilled phone has.
const rowsOfEdit = 3

// edit records one transaction of three rows under a name.
func edit(ctx context.Context, c *clientsdk.Client, name string) error {
	return c.Edit(ctx, func(e *clientsdk.Edit) error {
		for i := range rowsOfEdit {
			if _, err := e.Insert("day_summary", map[string]any{"day": "2026-11-20", "text": name, "plan": strconv.Itoa(i)}); err != nil {
				return err
			}
		}
		return nil
	})
}

// picture makes bytes that begin as a photo does, and that nobody has.
func picture(size int) []byte {
	b := bytes.Repeat([]byte(uuid.NewString()), size/36+1)
	copy(b, "\xff\xd8\xff\xe0")
	return b[:size]
}

func attach(ctx context.Context, c *clientsdk.Client, size int) (string, error) {
	a, err := c.Attach(ctx, bytes.NewReader(picture(size)), syncproto.PurposePhoto, "image/jpeg")
	return hex.EncodeToString(a.SHA256[:]), err
}

// phoneChild records photos and transactions until its end.
func phoneChild(ctx context.Context, dir string, say *speaker) error {
	c, err := openPhone(dir)
	if err != nil {
		return err
	}
	if err := say.say("open"); err != nil {
		return err
	}
	for n := 0; ; n++ {
		sha, err := attach(ctx, c, 2000+n*7919%150000)
		if err != nil {
			return err
		}
		if err := say.say("photo %s", sha); err != nil {
			return err
		}
		for range 3 {
			name := uuid.NewString()
			if err := edit(ctx, c, name); err != nil {
				return err
			}
			if err := say.say("edit %s", name); err != nil {
				return err
			}
		}
	}
}

// commandedPhone does what it is told, one line a time: "edit NAME",
// "has NAME", "attach SIZE", "capture SIZE". It answers "ok …" or "err CODE …".
func commandedPhone(ctx context.Context, dir string, in io.Reader, say *speaker) error {
	c, err := openPhone(dir)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := say.say("open"); err != nil {
		return err
	}
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		verb, arg, _ := strings.Cut(lines.Text(), " ")
		answer, err := obey(ctx, c, verb, arg)
		if err != nil {
			err = say.say("err %s %s | %v", clientsdk.CodeOf(err), clientsdk.Explain(err, "zh-CN"), err)
		} else {
			err = say.say("ok %s", answer)
		}
		if err != nil {
			return err
		}
	}
	return lines.Err()
}

func obey(ctx context.Context, c *clientsdk.Client, verb, arg string) (string, error) {
	size, _ := strconv.Atoi(arg)
	switch verb {
	case "edit":
		return arg, edit(ctx, c, arg)
	case "has":
		groups, err := editsOf(ctx, c)
		return strconv.Itoa(groups[arg]), err
	case "attach":
		return attach(ctx, c, size)
	case "capture":
		return arg, c.CanCapture(ctx, int64(size))
	}
	return "", fmt.Errorf("unknown command %q", verb)
}

// editsOf counts the rows of each transaction that the phone shows.
func editsOf(ctx context.Context, c *clientsdk.Client) (map[string]int, error) {
	out := map[string]int{}
	err := c.View(ctx, func(v *clientsdk.View) error {
		rows, err := v.Rows("day_summary", clientsdk.Query{})
		for _, r := range rows {
			out[r.Text("text")]++
		}
		return err
	})
	return out, err
}
