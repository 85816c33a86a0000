package main

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"

	"github.com/google/uuid"

	clientsdk "siteledger/client-sdk"
	"siteledger/server/app"
	"siteledger/server/auth"
	"siteledger/server/ledger"
	"siteledger/server/store"
	"siteledger/syncproto/changelog"
)

const (
	terminateSignal = syscall.SIGTERM
	centreName      = "城东客服中心"
	devices         = 3 // that push at the same time
)

// bench is what all parts start from: the built server, a data folder with a
// centre and enrolled devices, and an enrolled phone.
type bench struct {
	dir    string
	seed   uint64
	server string // the built program
	self   string // this program, for children

	serverData string // never changed after newBench: parts work on copies
	phoneData  string
	centre     uuid.UUID
	devices    []device // parts work on copies, each with a log of its own

	mu   sync.Mutex
	last int // of the folders made

	base     sync.Mutex // held while pgFolder is made
	pgFolder string     // of a stopped PostgreSQL cluster; empty before one is asked for
	ended    []func()
}

// close removes what does not lie in the bench's folder.
func (b *bench) close() {
	for _, end := range b.ended {
		end()
	}
}

func newBench(ctx context.Context, dir string, seed uint64) (*bench, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	b := &bench{dir: dir, seed: seed, self: self, server: filepath.Join(dir, "server"), serverData: filepath.Join(dir, "base-server"), phoneData: filepath.Join(dir, "base-phone")}
	if _, err := run(ctx, "go", "build", "-o", b.server, "siteledger/server"); err != nil {
		return nil, err
	}
	return b, b.prepare(ctx)
}

// prepare makes the data that parts start from, by the product's own commands.
func (b *bench) prepare(ctx context.Context) error {
	out, err := run(ctx, b.server, "centre", "add", "-name", centreName, "-data", b.serverData)
	if err != nil {
		return err
	}
	if b.centre, err = uuid.Parse(strings.TrimSpace(out)); err != nil {
		return err
	}
	s, err := b.serve(ctx, b.serverData)
	if err != nil {
		return err
	}
	defer s.kill()
	for range devices {
		code, err := b.code(ctx)
		if err != nil {
			return err
		}
		d, err := newDevice()
		if err != nil {
			return err
		}
		if err := d.enrol(ctx, s.url, code); err != nil {
			return err
		}
		b.devices = append(b.devices, *d)
	}
	if err := b.preparePhone(ctx, s.url); err != nil {
		return err
	}
	return s.terminate()
}

func (b *bench) preparePhone(ctx context.Context, url string) error {
	code, err := b.code(ctx)
	if err != nil {
		return err
	}
	c, err := clientsdk.Open(clientsdk.Config{Dir: b.phoneData, Server: url})
	if err != nil {
		return err
	}
	err = c.Enrol(ctx, code)
	if err == nil {
		_, err = c.Sync(ctx)
	}
	return errors.Join(err, c.Close())
}

// code makes a technician and an enrolment code for him.
func (b *bench) code(ctx context.Context) (string, error) {
	out, err := run(ctx, b.server, "user", "add", "-name", "李师傅", "-role", "installer", "-centre", b.centre.String(), "-data", b.serverData)
	if err != nil {
		return "", err
	}
	person := strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(out), "person:"))
	out, err = run(ctx, b.server, "device", "code", "-person", person, "-data", b.serverData)
	return strings.TrimSpace(out), err
}

// folder gives a new path.
func (b *bench) folder(name string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.last++
	return filepath.Join(b.dir, fmt.Sprintf("%s-%d", name, b.last))
}

// copyOf copies a base folder.
func (b *bench) copyOf(from, name string) (string, error) {
	to := b.folder(name)
	d, err := laden(from) // keeps the modes, which the server's keys need
	if err != nil {
		return "", err
	}
	return to, d.Dump(to)
}

// fresh gives the enrolled devices, each with a log of its own.
func (b *bench) fresh() []*device {
	var out []*device
	for _, d := range b.devices {
		c := d
		c.restart()
		out = append(out, &c)
	}
	return out
}

// opened is a data folder read by this process.
type opened struct {
	*store.Store
	keys []ed25519.PublicKey
}

// open opens a data folder that no other process uses.
func open(ctx context.Context, data string) (*opened, error) {
	keys, err := auth.OpenKeys(data, rand.Reader)
	if err != nil {
		return nil, err
	}
	o := &opened{}
	for _, k := range keys.Public() {
		o.keys = append(o.keys, k.PublicKey)
	}
	o.Store, err = store.Open(ctx, store.Config{Path: filepath.Join(data, app.DatabaseName)})
	return o, err
}

// logKey names a log.
type logKey struct{ device, epoch uuid.UUID }

// chains reads the whole ledger: it verifies it, and gives each log's heads,
// heads[n] after change n.
func (o *opened) chains(ctx context.Context, t *tally) (map[logKey][]changelog.Hash, error) {
	streams, err := o.Streams(ctx)
	if err != nil {
		return nil, err
	}
	out := map[logKey][]changelog.Hash{}
	for _, s := range streams {
		if _, err := ledger.Verify(ctx, o.Store, s.ID, o.keys, func(d ledger.Damage) error {
			t.find("ledger: %s", d)
			return nil
		}); err != nil {
			return nil, err
		}
		if err := o.heads(ctx, s.ID, out); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (o *opened) heads(ctx context.Context, stream uuid.UUID, out map[logKey][]changelog.Hash) error {
	for after := uint64(0); ; {
		batches, err := o.Batches(ctx, stream, after, 500)
		if err != nil || len(batches) == 0 {
			return err
		}
		for _, b := range batches {
			after = b.Pos
			k := logKey{b.Device, b.Epoch}
			if out[k] == nil {
				out[k] = []changelog.Hash{changelog.Genesis(b.Device, b.Epoch)}
			}
			changes, err := b.Unpack()
			if err != nil {
				return err
			}
			for _, c := range changes {
				out[k] = append(out[k], changelog.Next(out[k][len(out[k])-1], c))
			}
		}
	}
}

// checkLedger proves that a data folder holds all that the devices were told.
func checkLedger(ctx context.Context, data string, logs []*device, t *tally) (err error) {
	o, err := open(ctx, data)
	if err != nil {
		t.find("the store does not open: %v", err)
		return nil
	}
	defer func() { err = errors.Join(err, o.Close()) }()
	chains, err := o.chains(ctx, t)
	if err != nil {
		t.find("the ledger cannot be read: %v", err)
		return nil
	}
	for _, d := range logs {
		missing(t, chains[logKey{d.id, d.epoch}], d.acked, d.heads)
	}
	return nil
}

// missing counts what was acknowledged and is not there. The chain's hash
// stands for every byte up to it.
func missing(t *tally, have []changelog.Hash, acked uint64, told []changelog.Hash) {
	there := uint64(max(0, len(have)-1))
	if there < acked {
		t.lost += int(acked - there)
		t.find("%d changes were acknowledged, %d are there", acked, there)
	}
	if n := min(acked, there); n > 0 && have[n] != told[n] {
		t.lost++
		t.find("change %d or one before it is not the one that was acknowledged", n)
	}
}
