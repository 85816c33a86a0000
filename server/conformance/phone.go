package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"reflect"
	"slices"
	"strings"
	"time"
)

// phone is the program under test and the line to it.
type phone struct {
	in    io.WriteCloser
	lines chan []byte // closed at its end
	cmd   *exec.Cmd
	last  int
}

// askTimeout bounds one command: a sync round of a few calls.
const askTimeout = 30 * time.Second

func startPhone(ctx context.Context, command string, errs io.Writer) (*phone, error) {
	words := strings.Fields(command)
	if len(words) == 0 {
		return nil, errors.New("-phone names no program")
	}
	cmd := exec.CommandContext(ctx, words[0], words[1:]...)
	cmd.Stderr = errs
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", words[0], err)
	}
	p := &phone{in: in, cmd: cmd, lines: make(chan []byte, 1)}
	go func() {
		defer close(p.lines)
		s := bufio.NewScanner(out)
		s.Buffer(nil, 64<<20)
		for s.Scan() {
			p.lines <- slices.Clone(s.Bytes())
		}
	}()
	return p, nil
}

// stop ends the program by closing its input.
func (p *phone) stop() error {
	if err := p.in.Close(); err != nil {
		return err
	}
	return p.cmd.Wait()
}

// refusal is an error that the phone answered a command with.
type refusal string

func (r refusal) Error() string { return "the phone says: " + string(r) }

// ask gives the phone a command and reads its answer into out.
func (p *phone) ask(ctx context.Context, do string, with map[string]any, out any) error {
	p.last++
	line := map[string]any{"id": p.last, "do": do}
	for k, v := range with {
		line[k] = v
	}
	b, err := json.Marshal(line)
	if err != nil {
		return err
	}
	if _, err := p.in.Write(append(b, '\n')); err != nil {
		return fmt.Errorf("the phone does not read: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	select {
	case <-ctx.Done():
		return fmt.Errorf("no answer to %s: %w", do, ctx.Err())
	case got, ok := <-p.lines:
		if !ok {
			return fmt.Errorf("the phone ended at %s", do)
		}
		var head struct {
			ID    int
			Error string
		}
		if err := json.Unmarshal(got, &head); err != nil || head.ID != p.last {
			return differs(fmt.Sprintf("one line of JSON with id %d", p.last), fmt.Sprintf("%.120q", got))
		}
		switch {
		case head.Error == "unknown-command":
			return absent("the phone does not know the command " + do)
		case head.Error != "":
			return refusal(head.Error)
		case out == nil:
			return nil
		}
		return json.Unmarshal(got, out)
	}
}

// checkPhone runs all checks of a phone.
func checkPhone(ctx context.Context, o options, errs io.Writer) ([]row, error) {
	p, err := startPhone(ctx, o.phone, errs)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "siteledger-conformance-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	l, err := newLife(p, dir)
	if err != nil {
		return nil, err
	}
	defer l.fake.close()
	rows := judge(ctx, slices.Concat(o.vectorChecks(p), l.checks()))
	if err := p.stop(); err != nil {
		rows = append(rows, row{No: len(rows) + 1, Section: "–", Check: "the program ends well when its input ends", Result: failed, Expected: "exit 0", Seen: err.Error()})
	}
	return rows, nil
}

// same compares two pieces of JSON by what they say.
func same(want, got json.RawMessage) bool {
	var a, b any
	return json.Unmarshal(want, &a) == nil && json.Unmarshal(got, &b) == nil && reflect.DeepEqual(a, b)
}

// vectorChecks are the pure commands against the vectors.
func (o options) vectorChecks(p *phone) []check {
	each := func(section, promise, name, file string, one func(context.Context, map[string]json.RawMessage) error) check {
		return check{section, promise, name, func(ctx context.Context) error {
			var list []map[string]json.RawMessage
			if err := o.load(file, &list); err != nil {
				return err
			}
			for _, v := range list {
				if err := one(ctx, v); err != nil {
					var d *difference
					if errors.As(err, &d) {
						return differs(string(v["name"])+": "+d.expected, d.seen)
					}
					return fmt.Errorf("%s: %w", v["name"], err)
				}
			}
			return nil
		}}
	}
	decode := func(ctx context.Context, v map[string]json.RawMessage) error {
		var got struct{ Change json.RawMessage }
		if err := p.ask(ctx, "decode", map[string]any{"bytes": v["bytes"]}, &got); err != nil {
			return err
		}
		if !same(v["change"], got.Change) {
			return differs(string(v["change"]), string(got.Change))
		}
		return nil
	}
	return []check{
		{"–", "", "hello: the phone answers one line a command", func(ctx context.Context) error { return p.ask(ctx, "hello", nil, nil) }},
		each("3", "P8", "changes are written byte for byte as in the vectors", "changes.json", func(ctx context.Context, v map[string]json.RawMessage) error {
			var got struct{ Bytes json.RawMessage }
			if err := p.ask(ctx, "encode", map[string]any{"change": v["change"]}, &got); err != nil {
				return err
			}
			if string(got.Bytes) != string(v["bytes"]) {
				return differs(string(v["bytes"]), string(got.Bytes))
			}
			return nil
		}),
		each("3", "", "changes are read as in the vectors", "changes.json", decode),
		each("10", "P9", "forms that no phone should write are read all the same", "readable.json", decode),
		each("10", "P4", "what cannot be read is refused", "undecodable.json", func(ctx context.Context, v map[string]json.RawMessage) error {
			err := p.ask(ctx, "decode", map[string]any{"bytes": v["bytes"]}, nil)
			if r := refusal(""); errors.As(err, &r) && r == "undecodable" {
				return nil
			} else if a := absent(""); errors.As(err, &a) {
				return a
			}
			return differs("error undecodable", err)
		}),
		{"3", "P8", "the chain: h(0), digests and heads", func(ctx context.Context) error { return o.chain(ctx, p) }},
		{"4", "P8", "the signed message, the signature and the body of a push; its answer is read", func(ctx context.Context) error { return o.pushVector(ctx, p) }},
		each("8", "", "proof of enrolment, for a new device and for one that comes back", "enrol.json", func(ctx context.Context, v map[string]json.RawMessage) error {
			return wants(ctx, p, "prove", with(v, "seed", "device", "code"), v, "message", "proof:signature")
		}),
		{"6", "P6", "checksums: each row's part and the sums", func(ctx context.Context) error { return o.sumVector(ctx, p) }},
		each("5", "", "the text that a customer signs, and its hash", "summaries.json", func(ctx context.Context, v map[string]json.RawMessage) error {
			return wants(ctx, p, "summary", with(v, "visit", "service_record", "part_used", "defect", "fee_line", "rating"), v, "content", "hash")
		}),
	}
}

// with picks members of a vector as a command's.
func with(v map[string]json.RawMessage, names ...string) map[string]any {
	out := map[string]any{}
	for _, n := range names {
		if b, ok := v[n]; ok {
			out[n] = b
		}
	}
	return out
}

// wants gives a command and wants members of the answer as in the vector; a
// name may be "vector:answer" where the two differ.
func wants(ctx context.Context, p *phone, do string, args map[string]any, v map[string]json.RawMessage, names ...string) error {
	got := map[string]json.RawMessage{}
	if err := p.ask(ctx, do, args, &got); err != nil {
		return err
	}
	for _, n := range names {
		in, out, ok := strings.Cut(n, ":")
		if !ok {
			out = in
		}
		if !same(v[in], got[out]) {
			return differs(fmt.Sprintf("%s %s", out, v[in]), string(got[out]))
		}
	}
	return nil
}

func (o options) chain(ctx context.Context, p *phone) error {
	var v struct {
		Device, Epoch, Genesis string
		Links                  []struct{ Bytes, Digest, Head string }
	}
	if err := o.load("chain.json", &v); err != nil {
		return err
	}
	heads, digests, changes := []string{v.Genesis}, []string{}, []string{}
	for _, l := range v.Links {
		heads, digests, changes = append(heads, l.Head), append(digests, l.Digest), append(changes, l.Bytes)
	}
	var got struct{ Heads, Digests []string }
	if err := p.ask(ctx, "chain", map[string]any{"device": v.Device, "epoch": v.Epoch, "changes": changes}, &got); err != nil {
		return err
	}
	if !slices.Equal(got.Heads, heads) || !slices.Equal(got.Digests, digests) {
		return differs(heads, got.Heads)
	}
	return nil
}

func (o options) pushVector(ctx context.Context, p *phone) error {
	var v map[string]json.RawMessage
	if err := o.load("push.json", &v); err != nil {
		return err
	}
	if err := wants(ctx, p, "sign", with(v, "seed", "device", "epoch", "last", "head", "boot", "mono", "wall"), v, "message", "signature"); err != nil {
		return err
	}
	if err := wants(ctx, p, "body", envelope(v), v, "body"); err != nil {
		return err
	}
	var got struct {
		Acked int
		Head  string
	}
	if err := p.ask(ctx, "answer", map[string]any{"body": v["answer"]}, &got); err != nil {
		return err
	}
	if got.Acked != 3 || len(got.Head) != 64 {
		return differs("acked 3 and a head", fmt.Sprintf("%+v", got))
	}
	return nil
}

func envelope(v map[string]json.RawMessage) map[string]any {
	out := map[string]any{}
	for k, b := range v {
		if k != "body" && k != "answer" {
			out[k] = b
		}
	}
	return out
}

func (o options) sumVector(ctx context.Context, p *phone) error {
	var v struct {
		Roots []struct {
			Rows []struct{ Table, Row, Rev, Part string }
			Sum  string
		}
	}
	if err := o.load("checksums.json", &v); err != nil {
		return err
	}
	for _, r := range v.Roots {
		var parts []string
		for _, one := range r.Rows {
			parts = append(parts, one.Part)
		}
		var got struct {
			Parts []string
			Sum   string
		}
		rows := []any{}
		for _, one := range r.Rows {
			rows = append(rows, map[string]string{"table": one.Table, "row": one.Row, "rev": one.Rev})
		}
		if err := p.ask(ctx, "sum", map[string]any{"rows": rows}, &got); err != nil {
			return err
		}
		if got.Sum != r.Sum || !slices.Equal(got.Parts, parts) {
			return differs(r.Sum, got.Sum)
		}
	}
	return nil
}
