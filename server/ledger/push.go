package ledger

import (
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"siteledger/server/fault"
	"siteledger/server/reconcile"
	"siteledger/syncproto"
	"siteledger/syncproto/changelog"
	"siteledger/syncproto/fieldwork"
)

// Push takes a batch. When it returns an answer, changes 1..Acked are on disk.
// The same bytes again, in any overlap, change nothing and get the same
// outcomes. The order of the checks is that of PROTOCOL.md, section 4; limits
// and encoding were checked while decoding.
func (l *Ledger) Push(ctx context.Context, dev Device, req *syncproto.PushRequest) (*syncproto.PushAnswer, error) {
	p, err := l.open(dev, req)
	if err != nil {
		return nil, err
	}
	if dev.Revoked {
		return nil, l.revoked(ctx, p)
	}
	if req.From < 1 {
		return nil, fault.New(syncproto.EnvelopeInvalid, "from must be at least 1")
	}
	p.pack(0)
	var refused *fault.Error
	var result pushResult
	err = l.folding(ctx, dev.Centre, func(tx Tx, alone reconcile.Alone) error {
		refused, result, p.alone = nil, pushResult{}, alone
		return p.take(ctx, tx, &result, &refused)
	})
	if err != nil {
		return nil, fmt.Errorf("push of device %s: %w", dev.ID, err)
	}
	if refused != nil {
		if refused.Code == syncproto.LogForked && l.Poke != nil {
			l.Poke(dev.Centre)
		}
		return nil, refused
	}
	if (result.moved || result.parked) && l.Poke != nil {
		l.Poke(dev.Centre)
	}
	return l.answer(p, result)
}

// push is a batch whose envelope holds.
type push struct {
	*Ledger
	dev     Device
	req     *syncproto.PushRequest
	epoch   uuid.UUID
	boot    uuid.UUID
	prev    changelog.Hash
	head    changelog.Hash
	last    uint64
	items   []reconcile.Item
	history uuid.UUID
	packed  packed
	alone   reconcile.Alone // the slow way of a batch that failed as a whole; see folding
}

// packed is what the ledger keeps of a batch's changes from an index on.
type packed struct {
	from    uint64
	body    []byte
	digests []byte
}

// pack makes ready what the ledger keeps from an index on; the whole batch is
// packed before its turn to write comes.
func (p *push) pack(skip uint64) {
	if p.packed.body != nil && p.packed.from == skip {
		return
	}
	p.packed = packed{from: skip, body: p.packBody(p.req.Changes[skip:]), digests: digests(p.req.Changes[skip:])}
}

type pushResult struct {
	acked    uint64
	head     changelog.Hash
	rev      uint64
	hlc      uint64
	outcomes []syncproto.Outcome
	moved    bool // there are new revs to pull
	parked   bool // a case was opened: the desk has something to look at
}

// open checks the envelope: sizes of the fields, limits of transactions, the
// signature, the chain, and that the batch ends at a transaction's end.
func (l *Ledger) open(dev Device, req *syncproto.PushRequest) (*push, error) {
	if len(req.History) != 16 || len(req.Device) != 16 || len(req.Epoch) != 16 || len(req.Boot) != 16 || len(req.Prev) != 32 || len(req.Head) != 32 || len(req.Signature) != ed25519.SignatureSize {
		return nil, fault.New(syncproto.EnvelopeInvalid, "a field of the push has the wrong size")
	}
	if uuid.UUID(req.Device) != dev.ID {
		return nil, fault.New(syncproto.WrongDevice, "the batch is of another device than the token")
	}
	if len(req.Changes) == 0 {
		return nil, fault.New(syncproto.EnvelopeInvalid, "the batch is empty")
	}
	if err := l.checkLimits(req); err != nil {
		return nil, err
	}
	p := &push{Ledger: l, dev: dev, req: req, epoch: uuid.UUID(req.Epoch), boot: uuid.UUID(req.Boot), prev: changelog.Hash(req.Prev),
		head: changelog.Hash(req.Head), last: req.From + uint64(len(req.Changes)) - 1, history: uuid.UUID(req.History)}
	if p.last < req.From || p.last > 1<<62 {
		return nil, fault.New(syncproto.EnvelopeInvalid, "numbers are out of range")
	}
	if !ed25519.Verify(dev.Key, changelog.PushMessage(dev.ID, p.epoch, p.last, p.head, p.boot, req.Mono, req.Wall), req.Signature) {
		return nil, fault.New(syncproto.SignatureInvalid, "the signature is not this device's")
	}
	if chain(p.prev, req.Changes) != p.head {
		return nil, fault.New(syncproto.ChainBroken, "the hash chain does not lead to the head")
	}
	p.items = l.items(req.From, req.Changes)
	return p, l.checkTransactions(p.items)
}

func (l *Ledger) checkLimits(req *syncproto.PushRequest) error {
	if len(req.Changes) > l.Limits.MaxBatchChanges {
		return fault.TooLarge(syncproto.BatchTooLong, "changes of a batch", int64(l.Limits.MaxBatchChanges))
	}
	total := 0
	for _, c := range req.Changes {
		if len(c) > l.Limits.MaxChangeBytes {
			return fault.TooLarge(syncproto.ChangeTooLarge, "bytes of a change", int64(l.Limits.MaxChangeBytes))
		}
		total += len(c)
	}
	if total > l.Limits.MaxBatchBytes {
		return fault.TooLarge(syncproto.BatchTooLarge, "bytes of a batch", int64(l.Limits.MaxBatchBytes))
	}
	return nil
}

func (l *Ledger) checkTransactions(items []reconcile.Item) error {
	if last := items[len(items)-1].Change; last != nil && !last.Last {
		return fault.New(syncproto.EnvelopeInvalid, "the batch is cut inside a transaction")
	}
	changes, size := 0, 0
	for _, it := range items {
		changes, size = changes+1, size+len(it.Bytes)
		if changes > l.Limits.MaxTxnChanges {
			return fault.TooLarge(syncproto.BatchTooLarge, "changes of a transaction", int64(l.Limits.MaxTxnChanges))
		}
		if size > l.Limits.MaxTxnBytes {
			return fault.TooLarge(syncproto.BatchTooLarge, "bytes of a transaction", int64(l.Limits.MaxTxnBytes))
		}
		if it.Change == nil || it.Change.Last {
			changes, size = 0, 0
		}
	}
	return nil
}

// take places the batch in the stream. A refusal that must be remembered (a
// fork) leaves refused set and commits; nothing of the batch is applied then.
func (p *push) take(ctx context.Context, tx Tx, res *pushResult, refused **fault.Error) error {
	stream, err := tx.Stream(ctx)
	if err != nil {
		return err
	}
	if p.dev.ID == stream.OfficeDevice {
		*refused = fault.New(syncproto.WrongDevice, "the office's own log is written by the server alone")
		return nil
	}
	log, known, err := tx.Log(ctx, p.dev.ID, p.epoch)
	if err != nil {
		return err
	}
	conflict := func(code syncproto.Code, msg string) *fault.Error {
		acked := log.Acked
		return &fault.Error{Code: code, Message: msg, Acked: &acked, Head: hex.EncodeToString(log.Head[:])}
	}
	if p.history != p.History {
		*refused = conflict(syncproto.HistoryChanged, "the server's history is another one")
		return nil
	}
	if p.req.From > log.Acked+1 {
		*refused = conflict(syncproto.LogGap, fmt.Sprintf("changes before %d are missing; send from %d", p.req.From, log.Acked+1))
		return nil
	}
	at, err := p.agree(ctx, tx, log)
	if errors.Is(err, errDiffers) {
		f := conflict(syncproto.LogForked, "the log continues in another way than the server has it")
		f.Common = &at
		*refused = f
		kept, err := p.aside(ctx, tx, syncproto.LogForked)
		if err != nil {
			return err
		}
		if !kept {
			f.Err = ErrNotKept
		}
		return p.noteFork(ctx, tx, log, at)
	}
	if err != nil {
		return err
	}
	if !known {
		log.Person, log.Opened = p.dev.Person, stream.Pos+1
	}
	if p.last > log.Acked {
		if err := p.append(ctx, tx, &stream, &log, res); err != nil {
			return err
		}
	}
	log.LastContact, log.ClockOffset = p.millis(), p.req.Wall-p.millis()
	if err := tx.SaveLog(ctx, log); err != nil {
		return err
	}
	res.acked, res.head, res.rev, res.hlc = log.Acked, log.Head, stream.Rev, stream.HLC
	res.outcomes, err = p.outcomes(ctx, tx)
	return err
}

// agree checks that the batch continues what the server has: prev is the
// server's h(from-1) and the overlap is equal.
func (p *push) agree(ctx context.Context, tx Tx, log Log) (uint64, error) {
	from := p.req.From
	if from == log.Acked+1 {
		if p.prev != log.Head {
			return sub(from, 2), errDiffers
		}
		return from - 1, nil
	}
	stored, err := tx.Overlap(ctx, p.dev.ID, p.epoch, max(from, 2)-1, p.last)
	if err != nil {
		return 0, err
	}
	before, err := p.unpacker.headAt(p.dev.ID, p.epoch, stored, from-1)
	if err != nil {
		return 0, err
	}
	if before != p.prev {
		return sub(from, 2), errDiffers
	}
	return p.unpacker.common(stored, from, p.req.Changes, log.Acked)
}

func sub(n, d uint64) uint64 {
	if n < d {
		return 0
	}
	return n - d
}

// headAt gives h(seq) from the stored batches that hold seq.
func (u *unpacker) headAt(device, epoch uuid.UUID, stored []Batch, seq uint64) (changelog.Hash, error) {
	if seq == 0 {
		return changelog.Genesis(device, epoch), nil
	}
	for _, b := range stored {
		if seq < b.First || seq > b.Last {
			continue
		}
		changes, err := u.changes(b)
		if err != nil {
			return changelog.Hash{}, err
		}
		return chain(b.Prev, changes[:seq-b.First+1]), nil
	}
	return changelog.Hash{}, fmt.Errorf("change %d is acknowledged but not stored", seq)
}

// append folds what is new and stores the batch, all in the same transaction.
func (p *push) append(ctx context.Context, tx Tx, stream *Stream, log *Log, res *pushResult) error {
	skip := log.Acked + 1 - p.req.From
	fresh := p.items[skip:]
	now := p.millis()
	engine, err := p.engine(stream.Schema, p.Schema.Rules)
	if err != nil {
		return err
	}
	fold := engine.Start(tx, stream.Centre, stream.Headquarters, stream.Rev, stream.HLC)
	err = fold.Batch(ctx, reconcile.Batch{Log: reconcile.LogID{Device: p.dev.ID, Epoch: p.epoch}, Person: log.Person, Items: fresh, Received: now, Cuts: stream.Cuts,
		Sent: fieldwork.Moment{Wall: p.req.Wall, Boot: p.boot, Mono: p.req.Mono}, Alone: p.alone})
	if err != nil {
		return folded(err)
	}
	if err := fold.Flush(ctx); err != nil {
		return folded(err)
	}
	p.pack(skip)
	hq, err := tx.HQRev(ctx)
	if err != nil {
		return err
	}
	res.moved, res.parked = fold.Rev() != stream.Rev, len(fold.Roots()) > 0
	stream.Pos, stream.Rev, stream.HLC = stream.Pos+1, fold.Rev(), fold.HLC()
	err = tx.Append(ctx, Batch{Centre: stream.Centre, Pos: stream.Pos, Device: p.dev.ID, Epoch: p.epoch, First: log.Acked + 1, Last: p.last,
		Prev: log.Head, Head: p.head, Signature: p.req.Signature, Boot: p.boot, Mono: p.req.Mono, Wall: p.req.Wall, ReceivedAt: now,
		HQRev: hq, Rules: p.Schema.Rules, Schema: stream.Schema, Digests: p.packed.digests, Body: p.packed.body, Roots: fold.Roots()})
	if err != nil {
		return err
	}
	log.Acked, log.Head = p.last, p.head
	return tx.SaveStream(ctx, *stream)
}

func (p *push) outcomes(ctx context.Context, tx Tx) ([]syncproto.Outcome, error) {
	return tx.Outcomes(ctx, p.dev.ID, p.epoch, p.req.From, p.last)
}

// ErrNotKept is the cause in the refusal of a batch that was to be set aside
// and was not, as this device's share of the quarantine is full: its bytes are
// on the phone alone.
var ErrNotKept = errors.New("not set aside: this device's share of the quarantine is full")

// aside keeps the batch outside any log, where there is room for it.
func (p *push) aside(ctx context.Context, tx Tx, code syncproto.Code) (kept bool, err error) {
	return tx.Quarantine(ctx, Quarantined{Device: p.dev.ID, Epoch: p.epoch, First: p.req.From, Code: code, ReceivedAt: p.millis(), Body: p.packBody(p.req.Changes)})
}

// revoked sets a batch aside and refuses it. What is not kept is not called
// so: the phone is the only one that has it.
func (l *Ledger) revoked(ctx context.Context, p *push) error {
	kept := false
	err := l.Update(ctx, p.dev.Centre, func(tx Tx) (err error) {
		kept, err = p.aside(ctx, tx, syncproto.DeviceRevoked)
		return err
	})
	switch {
	case err != nil:
		return fmt.Errorf("quarantine: %w", err)
	case !kept:
		return fault.Wrap(syncproto.DeviceRevoked, "this device was signed out by the office; the server has no more room for its records, which are on this phone alone", ErrNotKept).
			WithHint("keep the phone as it is and bring it to the service centre")
	}
	return fault.New(syncproto.DeviceRevoked, "this device was signed out by the office; the records were set aside, not lost")
}

func (l *Ledger) answer(p *push, res pushResult) (*syncproto.PushAnswer, error) {
	receipt, err := l.Signer.SignJWS(syncproto.LogReceipt{History: l.History, Device: p.dev.ID, Epoch: p.epoch, Acked: res.acked, Head: hex.EncodeToString(res.head[:]), At: l.millis()})
	if err != nil {
		return nil, fmt.Errorf("sign receipt: %w", err)
	}
	a := &syncproto.PushAnswer{Acked: res.acked, Head: res.head[:], Outcomes: res.outcomes, ServerTime: l.millis(), HLC: res.hlc, Receipt: receipt, Sent: p.head[:]}
	if res.moved {
		a.Hint = []byte{1}
	}
	return a, nil
}
