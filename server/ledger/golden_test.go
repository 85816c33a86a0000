package ledger_test

import (
	"context"
	"crypto/ed25519"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"siteledger/server/ledger"
	"siteledger/server/store"
	"siteledger/syncproto"
	"siteledger/syncproto/changelog"
	"siteledger/syncproto/schema"
)

// updateGolden writes the golden log of the newest version, where there is none
// yet. Those of released versions are never written again.
var updateGolden = flag.Bool("update-golden", false, "write the golden log of a new schema version")

const goldenFolder = "../../testdata/golden"

// hexed is bytes that a file holds in hex.
type hexed []byte

func (h hexed) MarshalText() ([]byte, error) { return []byte(hex.EncodeToString(h)), nil }

func (h *hexed) UnmarshalText(b []byte) (err error) {
	*h, err = hex.DecodeString(string(b))
	return err
}

type goldenStream struct {
	Centre       uuid.UUID `json:"centre"`
	Headquarters bool      `json:"headquarters"`
	OfficeDevice uuid.UUID `json:"office_device"`
	OfficeEpoch  uuid.UUID `json:"office_epoch"`
}

type goldenBatch struct {
	Centre     uuid.UUID `json:"centre"`
	Pos        uint64    `json:"pos"`
	Device     uuid.UUID `json:"device"`
	Epoch      uuid.UUID `json:"epoch"`
	From       uint64    `json:"from"`
	Prev       hexed     `json:"prev"`
	Head       hexed     `json:"head"`
	Signature  hexed     `json:"signature"`
	Boot       uuid.UUID `json:"boot"`
	Mono       uint64    `json:"mono"`
	Wall       int64     `json:"wall"`
	ReceivedAt int64     `json:"received_at"`
	HQRev      uint64    `json:"hq_rev"`
	Rules      int       `json:"rules"`
	Schema     int       `json:"schema"`
	Changes    []hexed   `json:"changes"`
}

// golden is a whole small ledger with what came of it.
type golden struct {
	Schema    int            `json:"schema"`
	History   uuid.UUID      `json:"history"`
	ServerKey hexed          `json:"server_key"`
	DeviceKey hexed          `json:"device_key"`
	Device    uuid.UUID      `json:"device"`
	Person    uuid.UUID      `json:"person"`
	Streams   []goldenStream `json:"streams"`
	Batches   []goldenBatch  `json:"batches"`
	State     []string       `json:"state"`
}

func goldenPath(n int) string { return filepath.Join(goldenFolder, fmt.Sprintf("v%d.json", n)) }

// play is what a phone of a version and its office do to a job.
func (v *versioned) play(n uint64) *phone {
	p := v.phone("李师傅")
	p.wall = -90_000
	job, contact := v.job(p.dev.Person)
	rows, _ := p.pullAll("", 500)
	visit := newID()
	arrival := map[string]any{"visit": visit[:], "kind": "arrive", "at": v.now.UnixMilli()}
	if n >= 5 {
		maps.Copy(arrival, map[string]any{"latitude": int64(302512345), "longitude": int64(1201700001), "accuracy": int64(9), "fix_at": v.now.UnixMilli() - 20_000})
	}
	p.recordAs(n, insert("visit", visit, map[string]any{"job": job[:], "person": p.dev.Person[:], "started_at": v.now.UnixMilli()}), insert("visit_event", newID(), arrival))
	p.recordAs(n, update("job_contact", contact, rows[contact].Rev, map[string]any{"note": "二楼,门铃坏了", "phone": "13900000000"}))
	p.recordAs(n, update("job", job, rows[job].Rev, map[string]any{"slot_from": int64(7)}))
	cols := photo(job, 9).Cols
	if n < 2 {
		for _, name := range []string{"sharpness", "exposure", "kept_reason"} {
			delete(cols, name)
		}
	}
	if n >= 5 {
		maps.Copy(cols, map[string]any{"latitude": int64(-338674870), "longitude": int64(-1512069900), "accuracy": int64(24), "fix_at": v.now.UnixMilli() - 90_000, "fix_source": "device", "mocked": true})
	}
	shot := newID()
	p.recordAs(n, insert("photo", shot, cols))
	p.recordAs(n, insert("note", newID(), map[string]any{"job": job[:], "kind": "question", "text": "颜色差别算不算?", "at": v.now.UnixMilli()}))
	defect := newID()
	p.recordAs(n, insert("defect", defect, map[string]any{"job": job[:], "class": "top_crack", "text": "台面右角开裂约三厘米", "status": "open"}))
	if n >= 4 {
		hash := make([]byte, 32)
		p.recordAs(n, insert("shot_skip", newID(), map[string]any{"visit": visit[:], "role": "nameplate", "reason": "门板没有铭牌", "at": v.now.UnixMilli()}))
		p.recordAs(n, insert("visit_event", newID(), map[string]any{"visit": visit[:], "kind": "selfcheck", "at": v.now.UnixMilli()}),
			insert("signature", newID(), map[string]any{"visit": visit[:], "signer": "customer", "outcome": "code", "code": "482913", "at": v.now.UnixMilli()}))
		p.recordAs(n, insert("copy_link", newID(), map[string]any{"visit": visit[:], "token_hash": hash, "at": v.now.UnixMilli()}))
	}
	v.now = v.now.Add(time.Minute)
	v.write(v.clerk, update("job_contact", contact, rows[contact].Rev, map[string]any{"phone": "13700000000"}), update("job", job, rows[job].Rev, map[string]any{"slot_from": int64(9)}))
	p.push()
	p.recordAs(n, update("job", job, 0, map[string]any{"status": "closed"}))                                                     // no such step: held
	p.recordAs(n, update("visit", visit, 0, map[string]any{"outcome": "solved"}))                                                // behind it
	p.recordAs(n, insert("note", newID(), map[string]any{"job": job[:], "kind": "note", "text": "完工", "at": v.now.UnixMilli()})) // a fact goes through
	if n >= 5 {
		// Off the globe: held.
		off := photo(job, 10).Cols
		off["latitude"], off["longitude"] = int64(900000001), int64(0)
		p.recordAs(n, insert("photo", newID(), off))
	}
	p.raw([]byte{0xa1, 0x01})
	v.now = v.now.Add(time.Minute)
	p.push()
	v.now = v.now.Add(time.Minute)
	for kind, ids := range v.cases() {
		if kind == "conflict" {
			v.decide(ids[0], "keep")
		}
	}
	if n >= 5 {
		v.write(v.clerk, update("job_contact", contact, 0, map[string]any{"latitude": int64(302500000), "longitude": int64(1201600000)}))
	}
	if n >= 2 {
		hq := ledger.Author{Role: schema.Server}
		v.write(hq, insert("adjudication", newID(), map[string]any{"defect": defect[:], "verdict": "return", "lacks": "要看实物", "remedy": "gift", "adjudicator": v.clerk.Person[:], "at": v.now.UnixMilli()}))
	}
	return p
}

// capture writes a world down.
func (v *versioned) capture(p *phone) golden {
	v.Helper()
	ctx := context.Background()
	g := golden{Schema: v.at.Version, History: v.history, ServerKey: hexed(v.key.priv.Public().(ed25519.PublicKey)), DeviceKey: hexed(p.dev.Key), Device: p.dev.ID, Person: p.dev.Person}
	for _, id := range []uuid.UUID{v.hq, v.centre} {
		err := v.st.UpdateCentre(ctx, id, func(tx ledger.Tx) error {
			s, err := tx.Stream(ctx)
			g.Streams = append(g.Streams, goldenStream{s.Centre, s.Headquarters, s.OfficeDevice, s.OfficeEpoch})
			return err
		})
		if err != nil {
			v.Fatal(err)
		}
		batches, err := v.st.Batches(ctx, id, 0, 1000)
		if err != nil {
			v.Fatal(err)
		}
		for _, b := range batches {
			changes, err := b.Unpack()
			if err != nil {
				v.Fatal(err)
			}
			gb := goldenBatch{b.Centre, b.Pos, b.Device, b.Epoch, b.First, b.Prev[:], b.Head[:], b.Signature, b.Boot, b.Mono, b.Wall, b.ReceivedAt, b.HQRev, b.Rules, b.Schema, nil}
			for _, c := range changes {
				gb.Changes = append(gb.Changes, c)
			}
			g.Batches = append(g.Batches, gb)
		}
	}
	g.State = stateText(v, v.st, v.at, g)
	return g
}

// stateText is what a reader of a version would find on the server, without
// the revs, which hang on how often an effect was written.
func stateText(tb testing.TB, st *store.Store, d *schema.Descriptor, g golden) []string {
	tb.Helper()
	var out []string
	read := func(what, text string, args ...any) {
		err := st.View(context.Background(), func(tx *sql.Tx) error {
			rows, err := tx.Query(text, args...)
			if err != nil {
				return err
			}
			defer rows.Close()
			names, err := rows.Columns()
			if err != nil {
				return err
			}
			for rows.Next() {
				cells, dest := make([]any, len(names)), make([]any, len(names))
				for i := range cells {
					dest[i] = &cells[i]
				}
				if err := rows.Scan(dest...); err != nil {
					return err
				}
				line := what
				for i, c := range cells {
					if b, ok := c.([]byte); ok {
						c = hex.EncodeToString(b)
					}
					if c != nil {
						line += fmt.Sprintf(" %s=%v", names[i], c)
					}
				}
				out = append(out, line)
			}
			return rows.Err()
		})
		if err != nil {
			tb.Fatalf("%s: %v", what, err)
		}
	}
	for _, t := range d.Tables {
		var cols []string
		for _, c := range t.Columns {
			cols = append(cols, `"`+c.Name+`"`)
		}
		read(t.Name, "SELECT id, root, deleted, "+strings.Join(cols, ", ")+" FROM state_"+t.Name+" ORDER BY centre, id")
	}
	read("outcome", "SELECT seq, code, reason, case_id FROM outcome WHERE device = $1 ORDER BY seq", g.Device[:])
	read("case", "SELECT kind, tbl, col, state, verdict FROM case_file WHERE kind IN ('held', 'conflict', 'merged', 'handover') ORDER BY kind, tbl, col, state")
	read("loser", "SELECT tbl, row, col, rule, value, hlc FROM loser ORDER BY tbl, row, col")
	read("held", "SELECT seq, txn FROM held ORDER BY seq")
	return out
}

// fresh opens this build's server on an empty file with a golden log's streams.
func (g golden) fresh(t *testing.T, now *time.Time) (*store.Store, *ledger.Ledger) {
	t.Helper()
	ctx := context.Background()
	st, err := store.Open(ctx, store.Config{Path: filepath.Join(t.TempDir(), "server.db")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	_, priv, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	l, err := ledger.New(ledger.Config{Update: st.UpdateCentre, Create: st.CreateStream, History: g.History, Schema: schema.MustCurrent(), Signer: testKey{priv},
		Limits: syncproto.DefaultLimits(), Now: func() time.Time { return *now }, NewID: newID, Salt: func() [16]byte { return newID() }})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range g.Streams {
		if err := st.CreateStream(ctx, ledger.Stream{Centre: s.Centre, Headquarters: s.Headquarters, OfficeDevice: s.OfficeDevice, OfficeEpoch: s.OfficeEpoch, Schema: g.Schema}); err != nil {
			t.Fatal(err)
		}
	}
	return st, l
}

// run gives a golden log to a server. The phone's batches are pushed where push
// is set, all others folded again as stored.
func (g golden) run(t *testing.T, push bool) []string {
	t.Helper()
	ctx := context.Background()
	var now time.Time
	st, l := g.fresh(t, &now)
	dev := ledger.Device{ID: g.Device, Person: g.Person, Centre: g.Streams[1].Centre, Role: schema.Installer, Key: ed25519.PublicKey(g.DeviceKey)}
	for _, b := range g.Batches {
		now = time.UnixMilli(b.ReceivedAt)
		changes := make([][]byte, len(b.Changes))
		for i, c := range b.Changes {
			changes[i] = c
		}
		last := b.From + uint64(len(changes)) - 1
		if push && b.Device == g.Device {
			a, err := l.Push(ctx, dev, &syncproto.PushRequest{History: g.History[:], Device: b.Device[:], Epoch: b.Epoch[:], From: b.From, Prev: b.Prev, Changes: changes,
				Head: b.Head, Signature: b.Signature, Boot: b.Boot[:], Mono: b.Mono, Wall: b.Wall})
			if err != nil || a.Acked != last {
				t.Fatalf("push of batch %d: %+v, %v", b.Pos, a, err)
			}
			continue
		}
		err := l.Replay(ctx, ledger.Batch{Centre: b.Centre, Pos: b.Pos, Device: b.Device, Epoch: b.Epoch, First: b.From, Last: last, Prev: changelog.Hash(b.Prev), Head: changelog.Hash(b.Head),
			Signature: b.Signature, Boot: b.Boot, Mono: b.Mono, Wall: b.Wall, ReceivedAt: b.ReceivedAt, HQRev: b.HQRev, Rules: b.Rules, Schema: b.Schema, Digests: ledger.Digests(changes), Body: l.Pack(changes)})
		if err != nil {
			t.Fatalf("batch %d: %v", b.Pos, err)
		}
	}
	for _, s := range g.Streams {
		if _, err := ledger.Verify(ctx, st, s.Centre, []ed25519.PublicKey{ed25519.PublicKey(g.ServerKey)}, func(d ledger.Damage) error { t.Error(d); return nil }); err != nil {
			t.Fatal(err)
		}
		if _, err := l.Upgrade(ctx, s.Centre); err != nil {
			t.Fatal(err)
		}
	}
	d, err := schema.Version(g.Schema)
	if err != nil {
		t.Fatal(err)
	}
	return stateText(t, st, d, g)
}

// TestGoldenLogs: the log of a phone of every released schema version, with its
// signatures, goes into this build's ledger, by push and by a rebuild, and ends
// in the state that it ended in when the version was new (promise P9).
func TestGoldenLogs(t *testing.T) {
	for n := 1; n <= schema.Current; n++ {
		t.Run(fmt.Sprint("version ", n), func(t *testing.T) {
			b, err := os.ReadFile(goldenPath(n))
			if os.IsNotExist(err) && *updateGolden {
				v := openVersioned(t, version(t, n))
				b = writeGolden(t, v.capture(v.play(uint64(n))))
			} else if err != nil {
				t.Fatal(err)
			}
			if len(b) > 150<<10 {
				t.Errorf("%d bytes are too much for a golden log", len(b))
			}
			var g golden
			if err := json.Unmarshal(b, &g); err != nil {
				t.Fatal(err)
			}
			if g.Schema != n || len(g.State) < 20 || !slices.ContainsFunc(g.Batches, func(b goldenBatch) bool { return b.Device == g.Device }) {
				t.Fatalf("a golden log of version %d with %d lines", g.Schema, len(g.State))
			}
			for _, push := range []bool{false, true} {
				got := g.run(t, push)
				for i := range max(len(got), len(g.State)) {
					if i >= len(got) || i >= len(g.State) || got[i] != g.State[i] {
						t.Fatalf("pushed %v: line %d is\n%s\nwant\n%s", push, i+1, at(got, i), at(g.State, i))
					}
				}
			}
		})
	}
}

func at(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return "(nothing)"
}

func writeGolden(t *testing.T, g golden) []byte {
	t.Helper()
	b, err := json.MarshalIndent(g, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	b = append(b, '\n')
	if err := os.MkdirAll(goldenFolder, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(goldenPath(g.Schema), b, 0o644); err != nil {
		t.Fatal(err)
	}
	return b
}
