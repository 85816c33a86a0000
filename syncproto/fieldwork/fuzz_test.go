package fieldwork_test

import (
	"testing"

	"siteledger/syncproto/fieldwork"
	"siteledger/syncproto/mutate"
)

func numbers() [][]byte {
	return [][]byte{[]byte("SC01-000123"), []byte("A-B-999999"), []byte("X-1000000"), []byte("-000001"), []byte("SC-00012")}
}

// spelt: a receipt number has one spelling; what is read is written the same.
func spelt(t testing.TB, b []byte) bool {
	prefix, n, err := fieldwork.Parse(string(b))
	if err != nil {
		return false
	}
	if again := fieldwork.Format(prefix, n); again != string(b) {
		t.Fatalf("%q reads as %q", b, again)
	}
	return true
}

func FuzzParse(f *testing.F) {
	for _, b := range numbers() {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) { spelt(t, b) })
}

func TestFuzzed(t *testing.T) {
	mutate.Run(t, "FuzzParse", 30_000, numbers(), spelt)
}
