// Command conformphone puts the SDK behind the line protocol of the
// conformance kit (server/conformance), so that the kit can judge it like any
// phone:
//
//	go run ./server/conformance -phone "go run ./client-sdk/cmd/conformphone"
//
// It owns nothing but the translation: each command goes to the very functions
// that an app uses. It must never answer from knowledge of its own. It is a
// tool for tests and is not shipped.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
)

func main() {
	if err := serve(context.Background(), os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "conformphone:", err)
		os.Exit(1)
	}
}

// maxLine bounds one command in bytes: a photo in hex.
const maxLine = 64 << 20

// command answers one line; arguments is the whole line.
type command func(ctx context.Context, arguments []byte) (any, error)

// errUnknown is the answer to a command that this program does not have.
var errUnknown = errors.New("unknown-command")

// serve answers line by line until the input ends.
func serve(ctx context.Context, in io.Reader, out io.Writer) error {
	t, err := newTools()
	if err != nil {
		return err
	}
	a := &app{}
	defer a.shut()
	commands := t.commands()
	for name, c := range a.commands() {
		commands[name] = c
	}
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, maxLine)
	for lines.Scan() {
		var head struct {
			ID int
			Do string
		}
		if err := json.Unmarshal(lines.Bytes(), &head); err != nil {
			return fmt.Errorf("a line that is no command: %w", err)
		}
		c, ok := commands[head.Do]
		if !ok {
			c = func(context.Context, []byte) (any, error) { return nil, errUnknown }
		}
		answer, err := c(ctx, lines.Bytes())
		if err := reply(out, head.ID, answer, err); err != nil {
			return err
		}
	}
	return lines.Err()
}

// reply writes the members of an answer with the command's id in one line.
func reply(out io.Writer, id int, answer any, failed error) error {
	members := map[string]any{}
	if failed == nil && answer != nil {
		b, err := json.Marshal(answer)
		if err != nil {
			return err
		}
		if err := json.Unmarshal(b, &members); err != nil {
			return err
		}
	}
	if failed != nil {
		members["error"] = failed.Error()
	}
	members["id"] = id
	b, err := json.Marshal(members)
	if err != nil {
		return err
	}
	_, err = out.Write(append(b, '\n'))
	return err
}

// on reads a command's arguments and hands them to a function.
func on[A any](fn func(context.Context, A) (any, error)) command {
	return func(ctx context.Context, b []byte) (any, error) {
		var a A
		if err := json.Unmarshal(b, &a); err != nil {
			return nil, fmt.Errorf("arguments: %w", err)
		}
		return fn(ctx, a)
	}
}
