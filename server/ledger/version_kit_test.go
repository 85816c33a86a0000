package ledger_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"

	"siteledger/server/feed"
	"siteledger/server/ledger"
	"siteledger/server/store"
	"siteledger/syncproto"
	"siteledger/syncproto/changelog"
	"siteledger/syncproto/schema"
)

// versioned is a world whose server can be started again with another version
// of the schema on the same file.
type versioned struct {
	*world
	path string
	at   *schema.Descriptor
}

// version reads a released version.
func version(tb testing.TB, n int) *schema.Descriptor {
	tb.Helper()
	d, err := schema.Version(n)
	if err != nil {
		tb.Fatal(err)
	}
	return d
}

func openVersioned(tb testing.TB, d *schema.Descriptor) *versioned {
	tb.Helper()
	_, priv, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	v := &versioned{path: filepath.Join(tb.TempDir(), "server.db"),
		world: &world{TB: tb, key: testKey{priv}, now: time.UnixMilli(1_790_000_000_000), hq: newID(), centre: newID(), history: newID()}}
	v.start(d)
	tb.Cleanup(func() { v.st.Close() }) // the one that is open at the end
	for _, s := range []struct {
		id uuid.UUID
		hq bool
	}{{v.hq, true}, {v.centre, false}} {
		if err := v.led.CreateStream(context.Background(), s.id, s.hq); err != nil {
			tb.Fatal(err)
		}
	}
	v.clerk = ledger.Author{Person: v.person("王芳", schema.Clerk), Role: schema.Clerk}
	return v
}

// start opens the server's file with a version, as a new build does.
func (v *versioned) start(d *schema.Descriptor) {
	v.Helper()
	if v.st != nil {
		if err := v.st.Close(); err != nil {
			v.Fatal(err)
		}
	}
	v.at = d
	v.st, v.led = v.open(v.path)
	v.feed = feed.New(feed.Config{View: v.st.ViewCentre, History: v.history, Schema: d, Secret: []byte("test"), Limits: syncproto.DefaultLimits(), Now: func() time.Time { return v.now }})
}

func (v *versioned) open(path string) (*store.Store, *ledger.Ledger) {
	v.Helper()
	st, err := store.Open(context.Background(), store.Config{Path: path, Schema: v.at})
	if err != nil {
		v.Fatal(err)
	}
	l, err := ledger.New(ledger.Config{Update: st.UpdateCentre, Create: st.CreateStream, History: v.history, Schema: v.at, Signer: v.key, Limits: syncproto.DefaultLimits(),
		Now: func() time.Time { return v.now }, NewID: newID, Salt: func() [16]byte { return newID() }})
	if err != nil {
		v.Fatal(err)
	}
	return st, l
}

// upgrade does what a server does at its start, for the centre.
func (v *versioned) upgrade() bool {
	v.Helper()
	done, err := v.led.Upgrade(context.Background(), v.centre)
	if err != nil {
		v.Fatal(err)
	}
	return done
}

// sameWhenRebuilt folds the whole ledger into a second file and compares; more
// is run on that file first.
func (v *versioned) sameWhenRebuilt(more func(*store.Store)) {
	v.Helper()
	ctx := context.Background()
	second, l := v.open(filepath.Join(v.TempDir(), "second.db"))
	defer second.Close()
	if more != nil {
		more(second)
	}
	if err := second.CopyStreams(ctx, v.st); err != nil {
		v.Fatal(err)
	}
	if err := l.Rebuild(ctx, v.st, v.hq, []uuid.UUID{v.centre}, func(int) {}); err != nil {
		v.Fatal(err)
	}
	n, err := store.Compare(ctx, v.st, second, func(d store.Difference) error { v.Errorf("rebuilt: %v", d); return nil })
	if err != nil || n == 0 {
		v.Fatalf("compared %d rows: %v", n, err)
	}
}

// reopened lets a phone talk to the server that runs now.
func (v *versioned) reopened(p *phone) *phone {
	p.world = v.world
	return p
}

// recordAs adds one transaction that was written with a version of the schema.
func (p *phone) recordAs(version uint64, edits ...ledger.Edit) {
	p.Helper()
	first := uint64(len(p.log)) + 1
	for i, e := range edits {
		wall := p.now.UnixMilli() + p.wall
		p.hlc = max(p.hlc+1, uint64(wall)<<16)
		b, err := p.codec.Encode(&changelog.Change{Seq: first + uint64(i), HLC: p.hlc, Wall: wall, Txn: first, Last: i == len(edits)-1,
			Table: e.Table, Row: e.Row, Op: e.Op, Base: e.Base, Cols: e.Cols, Was: e.Was, Actor: p.dev.Person, Schema: version, Boot: p.boot, Salt: newID()})
		if err != nil {
			p.Fatal(err)
		}
		p.raw(b)
	}
}

// reads makes a cold pull as a reader of a version and checks that the page's
// sums are those of the rows that it got.
func (p *phone) reads(version int) map[uuid.UUID]syncproto.Row {
	p.Helper()
	p.dev.Schema = version
	rows, page := p.pullAll("", 3)
	p.agrees(rows, page)
	return rows
}

func (p *phone) agrees(rows map[uuid.UUID]syncproto.Row, page *syncproto.Page) {
	p.Helper()
	sums, counts := map[uuid.UUID]uint64{}, map[uuid.UUID]int{}
	var total uint64
	for _, r := range rows {
		sum := schema.RowSum(r.Table, r.ID, r.Rev)
		sums[r.Root], total = sums[r.Root]+sum, total+sum
		counts[r.Root]++
	}
	if page.Total.Count != len(rows) || page.Total.Sum != schema.SumText(total) {
		p.Errorf("total is %+v, this phone has %d rows %s", *page.Total, len(rows), schema.SumText(total))
	}
	for _, c := range page.Checksums {
		if c.Count != counts[c.Root] || c.Sum != schema.SumText(sums[c.Root]) {
			p.Errorf("root %s: %+v, this phone has %d rows %s", c.Root, c, counts[c.Root], schema.SumText(sums[c.Root]))
		}
	}
}

// third is a made-up version behind the newest: a column, a required column, a
// value of a column that is never empty, and a table.
func third(tb testing.TB) *schema.Descriptor {
	tb.Helper()
	b, err := schema.JSON(2)
	if err != nil {
		tb.Fatal(err)
	}
	d, err := schema.Parse(b)
	if err != nil {
		tb.Fatal(err)
	}
	d.Version = 3
	label := schema.Label{ZH: "新", EN: "New"}
	contact, note, class := d.Table("job_contact"), d.Table("note"), d.Table("defect").Column("class")
	contact.Columns = append(contact.Columns, &schema.Column{Name: "wechat", Type: schema.Text, Max: 40, Since: 3, Label: label})
	note.Columns = append(note.Columns, &schema.Column{Name: "topic", Type: schema.Text, Max: 40, Required: true, Since: 3, Label: label})
	class.Values, class.LaterValues = append(class.Values, "stain"), map[string]schema.LaterValue{"stain": {Since: 3, Instead: "other"}}
	d.Tables = append(d.Tables, &schema.Table{Name: "annotation", Label: label, Parent: "job", ParentColumn: "job", Root: schema.RootJob, Rule: schema.Fact,
		Writers: []schema.Role{schema.Installer, schema.Server}, Since: 3, Columns: []*schema.Column{
			{Name: "job", Type: schema.UUID, Required: true, Ref: "job", Label: label},
			{Name: "text", Type: schema.Text, Max: 400, Label: label},
			{Name: "picture", Type: schema.Blob, Purpose: "photo", Label: label},
		}})
	raw, err := json.Marshal(d)
	if err != nil {
		tb.Fatal(err)
	}
	if d, err = schema.Parse(raw); err != nil {
		tb.Fatal(err)
	}
	if err := schema.Successor(version(tb, 2), d); err != nil {
		tb.Fatal(err)
	}
	return d
}

// thirdTables is the migration of the made-up version.
var thirdTables = []string{
	`ALTER TABLE state_job_contact ADD COLUMN "wechat" TEXT`,
	`ALTER TABLE state_note ADD COLUMN "topic" TEXT`,
	`CREATE TABLE state_annotation (centre BLOB NOT NULL, id BLOB NOT NULL, root BLOB NOT NULL, rev INTEGER NOT NULL, deleted INTEGER NOT NULL DEFAULT 0,
		clock BLOB NOT NULL, extra BLOB, "job" BLOB, "text" TEXT, "picture" BLOB, PRIMARY KEY (centre, id)) STRICT, WITHOUT ROWID`,
}
