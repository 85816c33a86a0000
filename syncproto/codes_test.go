package syncproto_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"testing"

	"siteledger/syncproto"
)

// The table of section 10, written out.
var wantStatus = map[int][]syncproto.Code{
	400: {"body-invalid", "limit-invalid", "cursor-invalid"},
	401: {"token-invalid", "token-expired"},
	403: {"device-revoked", "wrong-device", "forbidden"},
	404: {"not-found"},
	409: {"log-gap", "log-forked", "history-changed", "blob-absent", "upload-incomplete"},
	413: {"batch-too-large", "batch-too-long", "change-too-large", "blob-too-large"},
	415: {"encoding-unsupported", "type-unsupported"},
	422: {"envelope-invalid", "chain-broken", "signature-invalid", "code-invalid", "key-invalid", "blob-type", "blob-mismatch"},
	500: {"internal", "a-code-nobody-knows"},
	503: {"busy"},
}

func TestStatus(t *testing.T) {
	for status, codes := range wantStatus {
		for _, c := range codes {
			if got := syncproto.Status(c); got != status {
				t.Errorf("%s: %d, want %d", c, got, status)
			}
		}
	}
}

// Every code declared in codes.go stands in the table above, and no two are
// alike.
func TestEveryCodeIsListed(t *testing.T) {
	listed := map[string]bool{}
	for _, codes := range wantStatus {
		for _, c := range codes {
			listed[string(c)] = true
		}
	}
	f, err := parser.ParseFile(token.NewFileSet(), "codes.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]map[string]bool{}
	ast.Inspect(f, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || spec.Type == nil {
			return true
		}
		kind := spec.Type.(*ast.Ident).Name
		value, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		if err != nil {
			t.Fatal(err)
		}
		if seen[kind] == nil {
			seen[kind] = map[string]bool{}
		}
		if seen[kind][value] {
			t.Errorf("%s %q is declared twice", kind, value)
		}
		seen[kind][value] = true
		if kind == "Code" && !listed[value] {
			t.Errorf("code %q has no status in this test", value)
		}
		return true
	})
	for kind, n := range map[string]int{"Code": 29, "OutcomeCode": 4, "Reason": 14} {
		if len(seen[kind]) != n {
			t.Errorf("%d values of %s, want %d", len(seen[kind]), kind, n)
		}
	}
}

func TestDefaultLimits(t *testing.T) {
	want := syncproto.Limits{MaxChangeBytes: 65536, MaxBatchChanges: 1000, MaxBatchBytes: 4194304, MaxTxnChanges: 1000, MaxTxnBytes: 1048576,
		MaxPageRows: 1000, MaxPreviewBytes: 32768, MaxPhotoBytes: 52428800}
	if got := syncproto.DefaultLimits(); got != want {
		t.Errorf("got %+v", got)
	}
}
