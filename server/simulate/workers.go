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
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
)

// sampled is one in how many seeds is played twice, to compare its two stories.
const sampled = 20

// playAll plays the seeds, each worker some of them; a seed with findings does
// not end it. The channel closes after the last one.
//
// With a CPU profile, or for one seed, it is this process that plays.
func playAll(ctx context.Context, o options) (<-chan result, error) {
	if o.profile != "" || o.seed != 0 {
		return playHere(ctx, o)
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	out := make(chan result)
	var next atomic.Int64
	var days atomic.Int64
	more := func() (uint64, bool, bool) {
		i := next.Add(1) - 1
		return o.from + uint64(i), i%sampled == 7 && o.seeds > 1, i < int64(o.seeds) && (o.until == 0 || days.Load() < int64(o.until))
	}
	send := func(r result) {
		days.Add(int64(r.Days))
		select {
		case out <- r:
		case <-ctx.Done():
		}
	}
	var all sync.WaitGroup
	for range max(1, min(o.workers, o.seeds)) {
		all.Go(func() {
			for ctx.Err() == nil && work(ctx, self, o, more, send) {
			}
		})
	}
	go func() {
		all.Wait()
		close(out)
	}()
	return out, nil
}

func playHere(ctx context.Context, o options) (<-chan result, error) {
	t, err := makeTemplate(ctx, o.dir)
	if err != nil {
		return nil, err
	}
	out := make(chan result)
	go func() {
		defer close(out)
		for i := range uint64(o.seeds) {
			select {
			case out <- play(ctx, o.from+i, o.days, t):
			case <-ctx.Done():
				return
			}
		}
		if err := t.close(); err != nil {
			out <- result{Found: findings(err)}
		}
	}()
	return out, nil
}

// work lets one process play seeds until there are no more. A process of its
// own shares nothing, and needs one processor only. It says whether the
// process ended early, with seeds left.
func work(ctx context.Context, self string, o options, more func() (uint64, bool, bool), send func(result)) bool {
	cmd := exec.CommandContext(ctx, self, "-worker", "-days", strconv.Itoa(o.days), "-dir", o.dir)
	cmd.Env = append(os.Environ(), "GOMAXPROCS=1")
	var last strings.Builder
	cmd.Stderr = &last
	in, err := cmd.StdinPipe()
	if err != nil {
		send(result{Found: findings(err)})
		return false
	}
	answers, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		send(result{Found: findings(err)})
		return false
	}
	defer cmd.Wait()
	defer in.Close()
	lines := json.NewDecoder(bufio.NewReaderSize(answers, 1<<20))
	for {
		seed, twice, ok := more()
		if !ok {
			return false
		}
		_, err := fmt.Fprintf(in, "%d %t\n", seed, twice)
		r := result{Seed: seed}
		if err == nil {
			err = lines.Decode(&r)
		}
		if ctx.Err() != nil {
			return false
		}
		if err != nil {
			err = errors.Join(err, in.Close(), cmd.Wait())
			r.Found = append(r.Found, finding{"process", fmt.Sprintf("the process that played it ended: %v\n%s", err, tail(last.String(), 4000))})
		}
		send(r)
		if err != nil {
			return true
		}
	}
}

func tail(s string, n int) string { return s[max(0, len(s)-n):] }

// worker plays the seeds that come in and writes what they came to.
func worker(ctx context.Context, o options, in io.Reader, out io.Writer) error {
	t, err := makeTemplate(ctx, base(o.dir))
	if err != nil {
		return err
	}
	defer t.close()
	answers := json.NewEncoder(out)
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		var seed uint64
		var twice bool
		if _, err := fmt.Sscan(lines.Text(), &seed, &twice); err != nil {
			return fmt.Errorf("a seed to play: %w", err)
		}
		r := playTwice(ctx, seed, o.days, t, twice)
		if r.Last = r.Last[max(0, len(r.Last)-40):]; len(r.Found) == 0 {
			r.Last = nil
		}
		if err := answers.Encode(r); err != nil {
			return err
		}
	}
	return lines.Err()
}

// playTwice plays a seed, and where it is of the sample once more: its story
// must be the same.
func playTwice(ctx context.Context, seed uint64, days int, t *template, twice bool) result {
	r := play(ctx, seed, days, t)
	if !twice || len(r.Found) > 0 {
		return r
	}
	if second := play(ctx, seed, days, t); second.Trace != r.Trace {
		r.Found = append(r.Found, findings(broken("same story", "the seed told another story the second time: %s and %s", r.Trace, second.Trace))...)
	}
	return r
}
