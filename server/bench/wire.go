package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// wire: bytes of push bodies per change for a day's work that the SDK sends in
// one go, against one zstd-compressed SQLite session changeset of the same
// edits.
func (b *bench) wire(ctx context.Context) ([]*row, error) {
	template, err := b.folder("template")
	if err != nil {
		return nil, err
	}
	code, err := b.workday(ctx, template, b.size.wireVisits)
	if err != nil {
		return nil, err
	}
	var ours, floor, single series
	var changes int
	for i := range b.runs {
		dir := filepath.Join(b.dir, b.row, fmt.Sprintf("run%d", i))
		a, err := b.wireRun(ctx, template, dir, code)
		if err != nil {
			return nil, err
		}
		log, err := readLog(ctx, filepath.Join(dir, "phone", phoneDB))
		if err != nil {
			return nil, err
		}
		set, err := log.changeset()
		if err != nil {
			return nil, fmt.Errorf("floor: %w", err)
		}
		pack, err := newPacker()
		if err != nil {
			return nil, err
		}
		if changes = len(log.changes); a.Pushed != changes {
			return nil, fmt.Errorf("the phone pushed %d of %d changes", a.Pushed, changes)
		}
		ours, floor = append(ours, float64(a.Bodies)/float64(changes)), append(floor, float64(len(pack.EncodeAll(set, nil)))/float64(changes))
		single = append(single, float64(len(set))/float64(changes))
		b.say("run %d of %d: %.1f bytes a change, floor %.1f", i+1, b.runs, ours[i], floor[i])
		if err := os.RemoveAll(dir); err != nil {
			return nil, err
		}
	}
	r := compare(b.row, "bytes/change", ours, floor)
	r.atMost("ratio", r.Ratio, 1.3)
	r.figure("changes", float64(changes))
	r.figure("changeset_uncompressed_bytes_per_change", single.median())
	r.note("the changeset is made by SQLite's own session extension; it names no author, time or signature, and merges later changes of a row into its insert")
	return []*row{r}, nil
}

// wireRun lets a phone record a day offline and send it.
func (b *bench) wireRun(ctx context.Context, template, dir, code string) (a phoneAnswer, err error) {
	data := filepath.Join(dir, "server")
	if err := copyFolder(template, data); err != nil {
		return a, err
	}
	s, err := b.serve(serverSpec{Data: data})
	if err != nil {
		return a, err
	}
	defer func() { err = errors.Join(err, s.end()) }()
	p, err := b.newPhone(filepath.Join(dir, "phone"), s.url)
	if err != nil {
		return a, err
	}
	defer func() { err = errors.Join(err, p.end()) }()
	if _, err := p.do("enrol %s", code); err != nil {
		return a, err
	}
	if _, err := p.do("sync"); err != nil {
		return a, err
	}
	if _, err := p.do("visits %d", b.size.wireVisits); err != nil {
		return a, err
	}
	return p.do("sync")
}
