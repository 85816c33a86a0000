package bundle

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/google/uuid"

	"siteledger/server/ledger"
	"siteledger/syncproto"
	"siteledger/syncproto/changelog"
)

// wholeLog is up to how many changes a phone's log is given from its beginning.
// A longer one, and the office's own, is given as the batches that are shown,
// each run of them behind the signed head before it.
const wholeLog = 20_000

// Log is an entry of the zip: one log's part of the chain.
type Log struct {
	Device uuid.UUID `json:"device"`
	Epoch  uuid.UUID `json:"epoch"`
	Office bool      `json:"office"`
	Runs   []Run     `json:"runs"`
}

// Run is batches that follow each other. Before is the signed head that they
// continue; none at the beginning of the log.
type Run struct {
	Before  *Head   `json:"before,omitempty"`
	Batches []Batch `json:"batches"`
}

// Head is the end of a batch as it was signed: by the phone's key, or the
// server's where the log is the office's.
type Head struct {
	Last      uint64    `json:"last"`
	Head      []byte    `json:"head"`
	Signature []byte    `json:"signature"`
	Boot      uuid.UUID `json:"boot"`
	Mono      uint64    `json:"mono"`
	Wall      int64     `json:"wall"`
}

// Batch is one batch of the ledger.
type Batch struct {
	Head
	Pos        uint64   `json:"pos"` // place in the centre's stream
	First      uint64   `json:"first"`
	ReceivedAt int64    `json:"received_at"`
	Receipt    string   `json:"receipt,omitempty"` // of the server, as the phone has one
	Changes    []Change `json:"changes"`
}

// Change is a change's bytes, or its digest alone.
type Change struct {
	Seq    uint64 `json:"seq"`
	Bytes  []byte `json:"bytes,omitempty"`
	Digest []byte `json:"digest,omitempty"`
}

func headOf(b *ledger.Batch) Head {
	return Head{Last: b.Last, Head: b.Head[:], Signature: b.Signature, Boot: b.Boot, Mono: b.Mono, Wall: b.Wall}
}

// logs gives the shown logs in the order of their names.
func (c *collection) logIDs() []logID {
	ids := slices.Collect(maps.Keys(c.shown))
	slices.SortFunc(ids, func(a, b logID) int {
		if n := bytes.Compare(a.device[:], b.device[:]); n != 0 {
			return n
		}
		return bytes.Compare(a.epoch[:], b.epoch[:])
	})
	return ids
}

// log reads one log's part of the chain.
func (c *collection) log(ctx context.Context, id logID) (Log, LogFile, error) {
	out := Log{Device: id.device, Epoch: id.epoch, Office: c.office[id.device]}
	info := LogFile{Path: logFolder + id.device.String() + "_" + id.epoch.String() + ".json", Device: id.device, Epoch: id.epoch, Office: out.Office}
	batches, err := c.logBatches(ctx, id)
	if err != nil {
		return out, info, err
	}
	for i := range batches {
		b := &batches[i]
		if n := len(out.Runs); n == 0 || info.Last+1 != b.First {
			run := Run{}
			if b.First > 1 {
				if run.Before, err = c.before(ctx, b); err != nil {
					return out, info, err
				}
			}
			out.Runs = append(out.Runs, run)
		}
		in, shown, err := c.batch(b, out.Office)
		if err != nil {
			return out, info, err
		}
		run := &out.Runs[len(out.Runs)-1]
		run.Batches = append(run.Batches, in)
		info.Last, info.Shown, info.Hidden = b.Last, info.Shown+shown, info.Hidden+len(in.Changes)-shown
	}
	return out, info, nil
}

// logBatches are the batches of a log that a bundle needs, in order.
func (c *collection) logBatches(ctx context.Context, id logID) ([]ledger.Batch, error) {
	var last uint64
	need := map[uint64]*ledger.Batch{}
	for _, e := range c.shown[id] {
		last = max(last, e.batch.Last)
		need[e.batch.First] = e.batch
	}
	if !c.office[id.device] && last <= wholeLog {
		return c.m.Archive.LogBatches(ctx, c.subject.Centre, id.device, id.epoch, 1, last, wholeLog)
	}
	var out []ledger.Batch
	for _, first := range slices.Sorted(maps.Keys(need)) {
		out = append(out, *need[first])
	}
	return out, nil
}

func (c *collection) before(ctx context.Context, b *ledger.Batch) (*Head, error) {
	got, err := c.m.Archive.LogBatches(ctx, c.subject.Centre, b.Device, b.Epoch, b.First-1, b.First-1, 1)
	if err != nil {
		return nil, err
	}
	if len(got) != 1 || got[0].Last != b.First-1 {
		return nil, fmt.Errorf("log %s/%s: the batch before change %d is not there", b.Device, b.Epoch, b.First)
	}
	h := headOf(&got[0])
	return &h, nil
}

func (c *collection) batch(b *ledger.Batch, office bool) (Batch, int, error) {
	out := Batch{Head: headOf(b), Pos: b.Pos, First: b.First, ReceivedAt: b.ReceivedAt}
	changes, err := b.Unpack()
	if err != nil {
		return out, 0, err
	}
	shown := 0
	seqs := c.shown[logID{b.Device, b.Epoch}]
	for i, raw := range changes {
		ch := Change{Seq: b.First + uint64(i)}
		if seqs[ch.Seq] != nil {
			ch.Bytes, shown = raw, shown+1
		} else {
			d := changelog.Digest(raw)
			ch.Digest = d[:]
		}
		out.Changes = append(out.Changes, ch)
	}
	if !office {
		out.Receipt, err = c.m.Signer.SignJWS(syncproto.LogReceipt{History: c.m.History, Device: b.Device, Epoch: b.Epoch, Acked: b.Last, Head: hexOf(b.Head[:]), At: b.ReceivedAt})
	}
	return out, shown, err
}
