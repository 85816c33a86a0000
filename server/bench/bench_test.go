package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"siteledger/syncproto/changelog"
)

// The test binary is also what the program starts as its server and phones.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && childProgram(os.Args[1]) != nil {
		os.Exit(program(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

func tinySizes() sizes {
	return sizes{
		pushDevices: 4, pushChanges: 20, batch: 10, pgCentres: 2, pullRows: 200, histories: []int{200, 400}, pullers: 3,
		recordVisits: 2, wireVisits: 2, photos: 2, photoBytes: 64 << 10, storms: []int{5, 8}, backlog: 20, streams: 30, streamDevices: 5,
		freshPushes: 3, rebuildJobs: 1, rebuildChanges: 100, longBacklog: 300, shortBacklog: 100,
	}
}

func TestRowNames(t *testing.T) {
	want := []string{"push", "push_pg", "cold_pull", "incremental", "wire", "record", "photo", "photo_check", "photo_judge", "storm", "connected", "freshness", "rebuild", "memory"}
	if got := rowNames(); !slices.Equal(got, want) {
		t.Errorf("rows %v, want %v", got, want)
	}
	if got, err := choose("wire,push"); err != nil || !slices.Equal(got, []string{"push", "wire"}) {
		t.Errorf("chosen %v, %v", got, err)
	}
	if _, err := choose("push,pull"); err == nil {
		t.Error("an unknown row is taken")
	}
}

// Every row runs at a tiny size and says something that can be true.
func TestEveryRowMeasures(t *testing.T) {
	var said bytes.Buffer
	o := options{runs: 1, json: filepath.Join(t.TempDir(), "out.json"), markdown: filepath.Join(t.TempDir(), "out.md"), profile: t.TempDir()}
	b, err := newBench(o, tinySizes(), &said)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.close(); err != nil {
			t.Error(err)
		}
	})
	var out bytes.Buffer
	if err := b.runAll(t.Context(), rowNames(), &out); err != nil {
		t.Fatalf("%v\n%s", err, said.String())
	}
	raw, err := os.ReadFile(o.json)
	if err != nil {
		t.Fatal(err)
	}
	var res result
	if err := json.Unmarshal(raw, &res); err != nil {
		t.Fatal(err)
	}
	if res.Machine.Cores < 1 || res.Machine.CPU == "" {
		t.Errorf("machine %+v", res.Machine)
	}
	var names []string
	for _, r := range res.Rows {
		names = append(names, r.Name)
		few := r.Name == "connected" // so few streams drown in what else the process does with its memory
		if !few && (r.Ours <= 0 || r.Floor <= 0 || r.Ratio <= 0 || r.Spread < 0) || r.Unit == "" || r.Runs < 1 {
			t.Errorf("row %+v", *r)
		}
		if d := r.Ratio - r.Ours/r.Floor; d > 1e-6 || d < -1e-6 {
			t.Errorf("%s: ratio %v is not %v over %v", r.Name, r.Ratio, r.Ours, r.Floor)
		}
		if !strings.Contains(out.String(), r.Name+" ") {
			t.Errorf("the table has no %s", r.Name)
		}
	}
	want := []string{"push", "push_pg", "cold_pull", "incremental_200", "incremental_400", "incremental", "wire", "record", "photo", "photo_check", "photo_judge", "storm", "storm_8", "connected", "freshness", "rebuild", "memory"}
	if !slices.Equal(names, want) {
		t.Errorf("rows %v, want %v", names, want)
	}
	for _, key := range []string{`"machine"`, `"rows"`, `"name"`, `"ours"`, `"floor"`, `"unit"`, `"ratio"`, `"spread"`} {
		if !bytes.Contains(raw, []byte(key)) {
			t.Errorf("the JSON has no %s", key)
		}
	}
	if table, err := os.ReadFile(o.markdown); err != nil || bytes.Count(table, []byte("\n| `")) != len(res.Rows) {
		t.Errorf("markdown %s, %v", table, err)
	}
	if profiles, err := filepath.Glob(filepath.Join(o.profile, "push-*.pprof")); err != nil || len(profiles) != o.runs {
		t.Errorf("profiles %v, %v", profiles, err)
	}
	memory := res.Rows[len(res.Rows)-1]
	for _, f := range []string{"push_server_mb", "cold_pull_phone_mb", "backlog_changes"} {
		if memory.Figures[f] <= 0 {
			t.Errorf("memory has no %s: %v", f, memory.Figures)
		}
	}
}

// A row that can't run says why, and the others run all the same.
func TestRowThatCannotRun(t *testing.T) {
	s := tinySizes()
	s.pushDevices = 0
	b, err := newBench(options{runs: 1, dir: t.TempDir()}, s, &bytes.Buffer{})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := b.runAll(t.Context(), []string{"push", "wire"}, &out); err == nil {
		t.Error("a row that did not run fails nothing")
	}
	if text := out.String(); !strings.Contains(text, "did not run: floor: ") || !strings.Contains(text, "wire ") {
		t.Errorf("said %s", text)
	}
	for _, args := range [][]string{{"-only", "nothing"}, {"-runs", "0"}, {"left over"}} {
		if code := program(t.Context(), args, nil, &out, &out); code != 2 {
			t.Errorf("%v: exit %d", args, code)
		}
	}
	if code := program(t.Context(), []string{"-dir", filepath.Join(t.TempDir(), "nowhere")}, nil, &out, &out); code != 1 {
		t.Errorf("without a folder: exit %d", code)
	}
}

func TestSeries(t *testing.T) {
	s := series{5, 1, 3, 2, 4}
	if s.median() != 3 || int(s.spread()) != 133 || s.max() != 5 || s.percentile(0.99) != 5 || s.percentile(0.5) != 3 {
		t.Errorf("median %v, spread %v, max %v, p99 %v, p50 %v", s.median(), s.spread(), s.max(), s.percentile(0.99), s.percentile(0.5))
	}
	if r := compare("x", "s", series{4, 6}, series{2, 3}); r.Ours != 5 || r.Floor != 2.5 || r.Ratio != 2 || r.Runs != 2 {
		t.Errorf("%+v", *r)
	}
	for v, want := range map[float64]string{0: "0", 1234567: "1,234,567", 999.6: "1000", 123.4: "123", 12.34: "12.3", 1.234: "1.23", 0.00123: "0.0012"} {
		if got := number(v); got != want {
			t.Errorf("%v is printed %s, want %s", v, got, want)
		}
	}
}

// The floor of `wire` is what SQLite itself recorded, by its own format.
func TestChangeset(t *testing.T) {
	codec, err := changelog.NewCodec()
	if err != nil {
		t.Fatal(err)
	}
	job, note := newID(), newID()
	var log phoneLog
	for i, ch := range []changelog.Change{
		{Table: "job", Row: job, Op: changelog.Update, Cols: map[string]any{"status": "departed"}, Was: map[string]any{"status": "dispatched"}},
		{Table: "note", Row: note, Op: changelog.Insert, Cols: map[string]any{"job": job[:], "kind": "note", "text": "it's here", "at": int64(7)}},
	} {
		ch.Seq, ch.Txn, ch.Last = uint64(i+1), uint64(i+1), true
		b, err := codec.Encode(&ch)
		if err != nil {
			t.Fatal(err)
		}
		log.bytes = append(log.bytes, b)
	}
	set, err := log.changeset()
	if err != nil {
		t.Fatal(err)
	}
	if set[0] != 'T' || bytes.Count(set, note[:]) != 1 || !bytes.Contains(set, []byte("dispatched")) || !bytes.Contains(set, []byte("it's here")) {
		t.Errorf("changeset %q", set)
	}
}
