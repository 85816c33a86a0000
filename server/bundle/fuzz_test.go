package bundle

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"siteledger/syncproto/mutate"
)

// containers are small zips as this package writes them.
func containers(tb testing.TB) (out [][]byte) {
	tb.Helper()
	for _, entries := range [][2]string{{"a.txt", "one"}, {"manifest.json", "{}"}, {"files/0001.jpg", strings.Repeat("x", 300)}, {"", ""}} {
		var b bytes.Buffer
		p := newPacker(&b)
		if entries[0] != "" {
			for _, name := range []string{entries[0], entries[0] + "2"} {
				if _, err := p.add(name, strings.NewReader(entries[1])); err != nil {
					tb.Fatal(err)
				}
			}
		}
		if err := p.close(); err != nil {
			tb.Fatal(err)
		}
		out = append(out, b.Bytes())
	}
	return out
}

// unzipped: a container is refused, or is to the byte what its entries are
// written as.
func unzipped(t testing.TB, b []byte) bool {
	var again bytes.Buffer
	p := newPacker(&again)
	u := &unpacker{r: bytes.NewReader(b)}
	err := u.each(func(name string, body io.Reader) error {
		_, err := p.add(name, body)
		return err
	})
	if err != nil {
		return false
	}
	if err := p.close(); err != nil || !bytes.Equal(again.Bytes(), b) {
		t.Fatalf("%d bytes were read as another container of %d: %v", len(b), again.Len(), err)
	}
	return true
}

func FuzzContainer(f *testing.F) {
	for _, b := range containers(f) {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) { unzipped(t, b) })
}

// TestFuzzed is run for each engine, and none has a part in it.
func TestFuzzed(t *testing.T) {
	mutate.Run(t, "FuzzContainer", 1_000, containers(t), unzipped)
}
