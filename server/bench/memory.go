package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
)

// memory: what a long backlog adds to the highest memory of a phone that
// records and sends it, against the same with a short one; and the peaks of
// the rows that ran before.
func (b *bench) memory(ctx context.Context) ([]*row, error) {
	peaks := b.peaks // of the other rows
	template, err := b.folder("template")
	if err != nil {
		return nil, err
	}
	code, err := b.workday(ctx, template, 1)
	if err != nil {
		return nil, err
	}
	short, err := b.backlogRun(ctx, template, code, b.size.shortBacklog)
	if err != nil {
		return nil, err
	}
	long, err := b.backlogRun(ctx, template, code, b.size.longBacklog)
	if err != nil {
		return nil, err
	}
	r := compare(b.row, "MB of the phone", series{long.phone()}, series{short.phone()})
	r.atMost("MB that the backlog adds", long.phone()-short.phone(), 16)
	r.figure("backlog_changes", float64(b.size.longBacklog))
	r.figure("backlog_recording_adds_mb", mb(long.recording-short.recording))
	r.figure("backlog_sending_adds_mb", mb(long.sending-short.sending))
	r.figure("backlog_recording_s", long.recordSeconds)
	r.figure("backlog_sending_s", long.sendSeconds)
	r.figure("backlog_server_mb", mb(long.server))
	r.figure("backlog_server_adds_mb", mb(long.server-short.server))
	for _, p := range peaks {
		name := fmt.Sprintf("%s_%s_mb", p.row, p.side)
		r.figure(name, max(r.Figures[name], mb(p.bytes)))
	}
	r.note("one run: ours is a backlog of %d changes, floor one of %d", b.size.longBacklog, b.size.shortBacklog)
	return []*row{r}, nil
}

// backlogged is what one backlog was; memory is in bytes.
type backlogged struct {
	recording, sending, server float64
	recordSeconds, sendSeconds float64
}

// phone is the phone's highest memory in MB.
func (b backlogged) phone() float64 { return mb(max(b.recording, b.sending)) }

// backlogRun lets a phone record n changes, start anew, send them and take
// over what the feed says of them.
func (b *bench) backlogRun(ctx context.Context, template, code string, n int) (out backlogged, err error) {
	dir := filepath.Join(b.dir, b.row, fmt.Sprintf("backlog%d", n))
	data, phoneDir := filepath.Join(dir, "server"), filepath.Join(dir, "phone")
	if err := copyFolder(template, data); err != nil {
		return out, err
	}
	s, err := b.serve(serverSpec{Data: data})
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, s.end()) }()
	if err := out.record(b, phoneDir, s.url, code, n); err != nil {
		return out, err
	}
	b.say("%d changes are recorded: %.1f s, phone %.0f MB", n, out.recordSeconds, mb(out.recording))
	if err := s.begin(fmt.Sprintf("memory-%d", n)); err != nil {
		return out, err
	}
	p, err := b.newPhone(phoneDir, s.url)
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, p.end()) }()
	a, high, err := p.watched("sync")
	if err != nil {
		return out, err
	}
	if a.Pushed != n {
		return out, fmt.Errorf("the phone pushed %d of %d changes", a.Pushed, n)
	}
	u, err := s.measured()
	out.sending, out.sendSeconds, out.server = high, a.MS/1000, u.peak
	b.say("%d changes are sent: %.1f s, phone %.0f MB, server %.0f MB", n, out.sendSeconds, mb(out.sending), mb(out.server))
	return out, err
}

// record enrols a phone and lets it record, offline but for that.
func (out *backlogged) record(b *bench, dir, url, code string, n int) (err error) {
	p, err := b.newPhone(dir, url)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.end()) }()
	if _, err := p.do("enrol %s", code); err != nil {
		return err
	}
	a, high, err := p.watched("backlog %d", n)
	out.recording, out.recordSeconds = high, a.MS/1000
	return err
}
