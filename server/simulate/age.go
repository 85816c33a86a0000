package main

import (
	"context"
	"math/rand/v2"
	"path/filepath"

	"siteledger/syncproto/changelog"
	"siteledger/syncproto/schema"
)

// oldest is the version of the schema that an older phone's app knows.
const oldest = 1

// older says which versions there are in a world: in every second one the server
// begins with the oldest and is given today's on one of its days, and about half
// of the phones begin with the oldest app and some of them are given today's.
// Its chance is its own, so that the other worlds' stories stay as they are.
type older struct {
	rng    *rand.Rand // nil in a world where all is of today
	server int        // step at which the server is given today's build
}

func newOlder(seed uint64) (o older) {
	if seed%2 == 1 {
		o.rng = rand.New(rand.NewPCG(seed, 0x01d))
		o.server = 1 + o.rng.IntN(200)
	}
	return o
}

// begin is the folder that a world's server begins with.
func (o older) begin(w *world) string {
	if o.rng == nil {
		return filepath.Join(w.template.dir, templateNow)
	}
	w.node.schema = w.template.then
	return filepath.Join(w.template.dir, templateServer)
}

// draw makes a new phone an older one, or not.
func (o older) draw(w *world, p *phone) {
	if o.rng != nil && o.rng.IntN(2) == 0 {
		p.schema = w.template.then
		w.hit(phoneOlder)
	}
}

// upgrade gives the server the build of today at its step, and one older phone
// the app of today now and then: it is closed as it stands, with whatever it has
// not sent, and opened with what it now knows.
func (w *world) upgrade(ctx context.Context) error {
	if w.older.rng == nil {
		return nil
	}
	if w.step >= w.older.server {
		if err := w.upgradeServer(ctx); err != nil {
			return err
		}
	}
	if w.older.rng.IntN(90) > 0 {
		return nil
	}
	for _, p := range w.phone {
		if p.schema == nil || p.gone {
			continue
		}
		p.schema = nil
		w.hit(phoneUpgraded)
		if err := p.client.Close(); err != nil {
			return err
		}
		return p.open()
	}
	return nil
}

// upgradeServer ends the server and starts today's build on its files. What
// phones of today wrote meanwhile and it did not know, it takes in then.
func (w *world) upgradeServer(ctx context.Context) error {
	n := w.node
	if n.schema != w.template.then {
		return nil
	}
	w.hit(serverUpgraded)
	if err := n.close(); err != nil {
		return err
	}
	n.schema = w.template.today
	return n.open(ctx)
}

// knows is the version of the schema that the phone's app works with.
func (p *phone) knows() *schema.Descriptor {
	if p.schema != nil {
		return p.schema
	}
	return p.w.template.today
}

// knowing lays what a phone of today records beside what all record.
func (p *phone) knowing(cols map[string]any, later map[string]any) map[string]any {
	if p.schema == nil {
		for name, v := range later {
			cols[name] = v
		}
	}
	return cols
}

// sharp is what a phone of today measures of a picture, and where it was taken.
func (p *phone) sharp() map[string]any {
	return map[string]any{"sharpness": int64(p.texts * 37 % 1001), "exposure": int64(p.texts * 11 % 1001),
		"latitude": int64(300_000_000 + p.texts*7919), "longitude": int64(-1_200_000_000 - p.texts*104_729), "accuracy": int64(p.texts % 90), "fix_source": "device"}
}

// byVersion looks that each change says the version that its phone wrote with:
// what an older app recorded goes out as it recorded it, after an upgrade too
// (P9). It names nothing that this version has not.
func (o *oracle) byVersion(p *phone, ch *changelog.Change) error {
	version, table := ch.Schema, ch.Table
	d := o.w.template.today
	t := d.Table(table)
	if t == nil || version < oldest || version > uint64(d.Version) {
		return broken("P9", "%s wrote a %s with version %d of the schema", p.name, table, version)
	}
	if p.schema != nil && version != uint64(p.schema.Version) {
		return broken("P9", "%s is of version %d and wrote a %s with %d", p.name, p.schema.Version, table, version)
	}
	for name := range ch.Cols {
		if c := t.Column(name); c == nil || !c.KnownAt(int(version)) {
			return broken("P9", "%s wrote %s.%s with version %d, which has none", p.name, table, name, version)
		}
	}
	return nil
}
