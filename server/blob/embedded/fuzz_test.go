package embedded

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httputil"
	"testing"

	"siteledger/syncproto/mutate"
)

func chunkSeeds() [][]byte {
	return [][]byte{[]byte(chunkedBody()[:200]), []byte("0;chunk-signature=\r\n\r\n")}
}

// chunksRead: no byte comes through that is not signed.
func chunksRead(t testing.TB, b []byte) bool {
	got, err := io.ReadAll(newChunks(bytes.NewReader(b), grant{}))
	if err == nil && len(got) > 0 {
		t.Fatalf("%d unsigned bytes came through", len(got))
	}
	return err == nil
}

// The chunk reader must survive any bytes.
func FuzzChunks(f *testing.F) {
	for _, b := range chunkSeeds() {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) { chunksRead(t, b) })
}

// wires are whole requests with a signature of AWS's own examples.
func wires(tb testing.TB) (out [][]byte) {
	tb.Helper()
	for _, r := range []*http.Request{awsHeaderRequest(), awsQueryRequest()} {
		b, err := httputil.DumpRequest(r, false)
		if err != nil {
			tb.Fatal(err)
		}
		out = append(out, b)
	}
	return out
}

// believed: of damaged requests only one that says the same is believed: same
// method, path, host and signed headers.
func believed(t testing.TB, b []byte) bool {
	r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(b)))
	if err != nil {
		return false
	}
	v := awsVerifier()
	if _, err := v.check(r); err != nil {
		var known *apiError
		if !errors.As(err, &known) {
			t.Fatalf("an error of no kind: %v", err)
		}
		return false
	}
	if r.Method != http.MethodGet || r.URL.Path != "/test.txt" || r.Host != "examplebucket.s3.amazonaws.com" {
		t.Fatalf("believed: %s %s at %s", r.Method, r.URL, r.Host)
	}
	if r.Header.Get("Authorization") != "" && r.Header.Get("Range") != "bytes=0-9" {
		t.Fatalf("believed with another range %q", r.Header.Get("Range"))
	}
	return true
}

func FuzzSignature(f *testing.F) {
	for _, b := range wires(f) {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) { believed(t, b) })
}

func partLists() [][]byte {
	return [][]byte{[]byte(`<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Part><PartNumber>1</PartNumber><ETag>"ab"</ETag></Part><Part><PartNumber>2</PartNumber><ETag>cd</ETag></Part></CompleteMultipartUpload>`),
		[]byte(`<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><C><Part><ETag>&b;</ETag></Part></C>`), []byte(`<C/>`)}
}

// listed: a list of parts is refused or names parts; choosing among parts that
// are there never gives one that the list does not name.
func listed(t testing.TB, b []byte) bool {
	wanted, err := readPartList(b)
	if err != nil {
		return false
	}
	there := []part{{number: 1}, {number: 2}, {number: 3}}
	if got, err := choose(there, wanted); err == nil && len(got) != len(wanted) {
		t.Fatalf("%d parts for %d named", len(got), len(wanted))
	}
	return true
}

func FuzzPartList(f *testing.F) {
	for _, b := range partLists() {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) { listed(t, b) })
}

func TestFuzzed(t *testing.T) {
	mutate.Run(t, "FuzzChunks", 20_000, chunkSeeds(), chunksRead)
	mutate.Run(t, "FuzzSignature", 20_000, wires(t), believed)
	mutate.Run(t, "FuzzPartList", 15_000, partLists(), listed)
}
