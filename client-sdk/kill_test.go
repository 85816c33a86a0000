package clientsdk_test

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/uuid"

	clientsdk "siteledger/client-sdk"
	"siteledger/syncproto"
)

// TestMain turns the test binary into a phone that records until it is killed,
// where the environment asks for it.
func TestMain(m *testing.M) {
	if dir := os.Getenv("SITELEDGER_KILLED_PHONE"); dir != "" {
		if err := recordForEver(dir, uuid.MustParse(os.Getenv("SITELEDGER_KILLED_JOB"))); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

type noNetwork struct{}

func (noNetwork) RoundTrip(*http.Request) (*http.Response, error) { return nil, errCut }

// recordForEver prints a number after its three notes and its photo are durable.
func recordForEver(dir string, job uuid.UUID) error {
	c, err := clientsdk.Open(clientsdk.Config{Dir: dir, Server: "http://server.test", HTTP: &http.Client{Transport: noNetwork{}}})
	if err != nil {
		return err
	}
	for n := 0; ; n++ {
		name := fmt.Sprintf("%d-%d", os.Getpid(), n)
		if _, err := c.Attach(background(), bytes.NewReader(jpeg(name)), syncproto.PurposePhoto, "image/jpeg"); err != nil {
			return err
		}
		err := c.Edit(background(), func(e *clientsdk.Edit) error {
			for _, part := range "abc" {
				if _, err := e.Insert("note", map[string]any{"job": job, "kind": "note", "text": name + string(part), "at": 1}); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		if _, err := fmt.Println(name); err != nil {
			return err
		}
	}
}

func TestKilledPhoneLosesNothing(t *testing.T) {
	d := newDesk(t)
	c, dir, job := d.enrolled()
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	var recorded []string
	for round := range 8 {
		recorded = append(recorded, killed(t, dir, job, 3+5*round)...)
	}
	c = d.phone(dir)
	if err := c.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	shown := strings.Fields(d.texts(c))
	if len(shown)%3 != 0 || len(shown) < 3*len(recorded) {
		t.Errorf("%d notes are shown; %d transactions of 3 were confirmed", len(shown), len(recorded))
	}
	all := " " + strings.Join(shown, " ") + " "
	for _, name := range recorded {
		if !strings.Contains(all, " "+name+"a ") || !strings.Contains(all, " "+name+"c ") {
			t.Errorf("%s is missing", name)
		}
		f, err := c.OpenAttachment(sha256.Sum256(jpeg(name)))
		if err != nil {
			t.Errorf("photo %s: %v", name, err)
			continue
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}
	d.sync(c)
	if got := len(strings.Fields(d.serverNotes())); got != len(shown) {
		t.Errorf("the server has %d notes, the phone %d", got, len(shown))
	}
}

// killed runs a phone and kills it after some recorded transactions.
func killed(t *testing.T, dir string, job uuid.UUID, after int) []string {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe)
	cmd.Env = append(os.Environ(), "SITELEDGER_KILLED_PHONE="+dir, "SITELEDGER_KILLED_JOB="+job.String())
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var names []string
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		names = append(names, lines.Text())
		if len(names) == after {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) {
		t.Fatalf("the phone was not killed: %v", err)
	}
	return names
}
