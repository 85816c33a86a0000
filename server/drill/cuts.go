package main

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"siteledger/server/drill/cutfs"
	"siteledger/syncproto/changelog"
)

// laden is a disk that holds a folder.
func laden(from string) (*cutfs.Disk, error) {
	d := cutfs.New()
	return d, d.Load(from)
}

// powered mounts a disk, lets run use it until it says to strike, takes the
// power away, and gives the disk that is left. run's second result ends the
// processes that it started.
func (b *bench) powered(disk *cutfs.Disk, r *rand.Rand, run func(dir string) (end func(), err error)) (*cutfs.Disk, error) {
	m, err := disk.Mount(b.folder("disk"))
	if err != nil {
		return nil, err
	}
	end, err := run(m.Dir)
	left := disk.Cut(r)
	if end != nil {
		end()
	}
	return left, errors.Join(err, m.Close(), os.Remove(m.Dir))
}

// inspect copies what a disk holds to a plain folder and looks at it there.
func (b *bench) inspect(disk *cutfs.Disk, look func(dir string) error) error {
	dir := b.folder("left")
	if err := disk.Dump(dir); err != nil {
		return err
	}
	return errors.Join(look(dir), os.RemoveAll(dir))
}

// ackedLog is one log as a store's child has said it.
type ackedLog struct {
	key   logKey
	acked uint64
	head  changelog.Hash
}

// generation is after how many cuts a part begins anew, so that files stay
// small and every cut is near a start as well as far from one.
const generation = 12

// ledgerCuts cuts the power under the server's store and ledger.
func (b *bench) ledgerCuts(ctx context.Context, t *tally, n int) error {
	return b.storeCuts(ctx, t, n, "FULL")
}

// controlCuts does the same to a store that does not sync each commit. It must
// lose.
func (b *bench) controlCuts(ctx context.Context, t *tally, n int) error {
	t.control = true
	return b.storeCuts(ctx, t, n, "NORMAL")
}

func (b *bench) storeCuts(ctx context.Context, t *tally, n int, synchronous string) error {
	r := b.random(t.name)
	sp := spec{Synchronous: synchronous, Centre: b.centre}
	for _, d := range b.devices {
		sp.Devices = append(sp.Devices, specDevice{d.id, d.person, d.key})
	}
	order, err := json.Marshal(sp)
	if err != nil {
		return err
	}
	var disk *cutfs.Disk
	var logs map[logKey]*ackedLog
	for t.cuts < n && ctx.Err() == nil {
		if t.cuts%generation == 0 {
			if disk, err = laden(b.serverData); err != nil {
				return err
			}
			logs = map[logKey]*ackedLog{}
		}
		var p *process
		disk, err = b.powered(disk, r, func(dir string) (func(), error) {
			if p, err = launch(false, b.self, childWord, "ledger", dir); err != nil {
				return nil, err
			}
			_, werr := p.in.Write(order)
			return func() { b.hearAcks(p.kill(), logs, t) }, errors.Join(werr, b.whileRunning(ctx, p, r, t))
		})
		if err != nil {
			return err
		}
		t.cuts++
		if err := b.inspect(disk, func(dir string) error { return checkLogs(ctx, dir, logs, t) }); err != nil {
			return err
		}
		if t.control && t.lost > 0 && t.cuts >= n/2 {
			break // it has shown what it is there for
		}
		if t.control {
			disk, err = laden(b.serverData) // what was lost must not count again
			logs = map[logKey]*ackedLog{}
			if err != nil {
				return err
			}
		}
	}
	return ctx.Err()
}

// whileRunning waits for a random moment of a child's life: mostly some time
// after it is open, sometimes before.
func (b *bench) whileRunning(ctx context.Context, p *process, r *rand.Rand, t *tally) error {
	if r.IntN(6) == 0 {
		time.Sleep(between(r, 0, 120*time.Millisecond))
		return nil
	}
	started := time.Now()
	open, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if _, err := p.await(open, openLine); err != nil {
		t.find("after a cut: %v", err)
		return ctx.Err()
	}
	t.restarted(time.Since(started))
	time.Sleep(between(r, 3*time.Millisecond, 60*time.Millisecond))
	return nil
}

func (b *bench) hearAcks(lines []string, logs map[logKey]*ackedLog, t *tally) {
	for _, line := range lines {
		f := strings.Fields(line)
		if len(f) != 5 || f[0] != "ack" {
			continue
		}
		n, err1 := strconv.Atoi(f[1])
		epoch, err2 := uuid.Parse(f[2])
		seq, err3 := strconv.ParseUint(f[3], 10, 64)
		head, err4 := hex.DecodeString(f[4])
		if errors.Join(err1, err2, err3, err4) != nil || n >= len(b.devices) || len(head) != 32 {
			continue // the line was cut with its writer
		}
		k := logKey{b.devices[n].id, epoch}
		before := uint64(0)
		if logs[k] != nil {
			before = logs[k].acked
		}
		t.acked += int(seq - before)
		logs[k] = &ackedLog{k, seq, changelog.Hash(head)}
	}
}

func checkLogs(ctx context.Context, dir string, logs map[logKey]*ackedLog, t *tally) (err error) {
	o, err := open(ctx, dir)
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
	for k, l := range logs {
		told := make([]changelog.Hash, l.acked+1)
		have := chains[k]
		if uint64(len(have)) > l.acked {
			copy(told, have)
		}
		told[l.acked] = l.head
		before := t.lost
		if missing(t, have, l.acked, told); t.lost > before {
			delete(logs, k) // once is enough
		}
	}
	return nil
}
