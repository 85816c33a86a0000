package month

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/google/uuid"

	"siteledger/server/fault"
	"siteledger/server/ledger"
	"siteledger/syncproto"
	"siteledger/syncproto/schema"
)

// Chain draws the months of many centres under one headquarters. Every visit
// has its photographs in it, not those of the last days alone.
type Chain struct {
	Seed  uint64
	Now   time.Time
	Crews int // how many times the people and the work of [New]'s centre each one has

	first *Month
}

// Month draws the month of the n-th centre, from 0. The first one makes
// headquarters, so it has to be drawn and loaded before the others; those may
// be drawn and loaded in any order, several at once. Sign-in names of the
// others end with their number: clerk, clerk-1, clerk-2.
func (c *Chain) Month(n int) *Month {
	b := newBuilder(c.Seed, 2026+uint64(n), c.Now)
	b.link, b.albumDays = &link{n: n, crews: c.Crews, first: c.first}, 40
	b.files += 320 * (c.Crews - 1)
	m := b.draw()
	if n == 0 {
		c.first = m
	}
	return m
}

// link is a month's place in a chain.
type link struct {
	n, crews int
	first    *Month // nil for the first
}

// leads says whether the month makes headquarters itself.
func (l *link) leads() bool { return l == nil || l.first == nil }

// place gives a month its streams: no second centre, and headquarters of the
// first.
func (l *link) place(m *Month) {
	m.Second, m.lenient = uuid.Nil, true
	if l.first != nil {
		m.Headquarters, m.judges = l.first.Headquarters, l.first.judges
	}
}

func (l *link) login(name string) string { return l.numbered(name, "-") }

func (l *link) name(name string) string { return l.numbered(name, " ") }

func (l *link) numbered(name, between string) string {
	if l == nil || l.n == 0 || name == "" {
		return name
	}
	return fmt.Sprintf("%s%s%d", name, between, l.n)
}

// moreCrews draws the work of further people like those of the first crew.
func (b *builder) moreCrews() {
	if b.link == nil {
		return
	}
	groups, repair, spare := b.groups, b.repair, b.spare
	for crew := 1; crew < b.link.crews; crew++ {
		b.parts, b.paid = 0, 0
		hire := func(name, skills, model string) *Phone {
			return b.phone(b.person(b.m.Centre, fmt.Sprintf("%s%d", name, crew+1), "", schema.Installer, skills), model)
		}
		for g := range b.groups {
			for i := range b.groups[g] {
				b.groups[g][i] = hire(groups[g][i].Person.Name, groups[g][i].Person.Skills, groups[g][i].Model)
			}
		}
		for i := range b.repair {
			b.repair[i] = hire(repair[i].Person.Name, repair[i].Person.Skills, repair[i].Model)
		}
		b.spare = hire(spare.Person.Name, spare.Person.Skills, spare.Model)
		b.installs()
		b.repairs()
	}
	b.groups, b.repair, b.spare = groups, repair, spare
}

// pretend gives the files hashes and sizes without bytes.
func (l *loader) pretend(all []*Blob) {
	for i, b := range all {
		f := l.files[b]
		f.sha = sha256.Sum256(binary.BigEndian.AppendUint64(l.m.Centre[:], uint64(i)))
		f.size = 12_000 + int64(f.sha[0])*75 // as a preview or a signature
		if b.Purpose == syncproto.PurposePhoto {
			f.size *= 40
		}
		close(f.ready)
	}
}

// awaited is for how long before the end of the month files are still on the
// way.
const awaited = 3 * time.Hour

// announce has the server's log say that files have arrived.
func (l *loader) announce(ctx context.Context, dev ledger.Device, blobs []*Blob) error {
	now := l.Clock.Now()
	if now.After(l.m.Now.Add(-awaited)) {
		return nil
	}
	edits := make([]ledger.Edit, len(blobs))
	for i, b := range blobs {
		f := l.files[b]
		edits[i] = insert("stored_blob", newID(now, uuid.UUID(f.sha[:16])), map[string]any{
			"sha256": f.sha[:], "size": f.size, "type": b.Type, "purpose": b.Purpose, "device": raw(dev.ID), "at": ms(now),
		})
	}
	return l.write(context.WithoutCancel(ctx), dev.Centre, ledger.Author{Role: schema.Server}, edits)
}

// refused says that a ledger did not take an edit as it is.
func refused(err error) bool {
	switch fault.CodeOf(err) {
	case fault.Invalid, fault.Stale:
		return true
	}
	return false
}

// writeApart writes one by one what was refused together, and leaves out what
// is refused alone.
func (l *loader) writeApart(ctx context.Context, centre uuid.UUID, by ledger.Author, edits []ledger.Edit) error {
	if len(edits) == 1 {
		l.loaded.Refused++
		return nil
	}
	for i := range edits {
		if err := l.write(ctx, centre, by, edits[i:i+1]); err != nil {
			return err
		}
	}
	return nil
}
