package office_test

import (
	"archive/zip"
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"siteledger/server/fault"
	"siteledger/server/office"
	"siteledger/server/store/storetest"
	"siteledger/syncproto/mutate"
)

// tables are import files as offices send them.
func tables(tb testing.TB) (csv, xlsx [][]byte) {
	tb.Helper()
	var header, line []string
	for _, c := range office.ImportColumns() {
		header, line = append(header, c.Names[0]), append(line, "张三")
	}
	plain := strings.Join(header, ",") + "\n" + strings.Join(line, ",") + "\n"
	csv = [][]byte{[]byte(plain), []byte("\xef\xbb\xbf" + strings.ReplaceAll(plain, ",", "\t")), []byte(strings.Join(header, ",") + "\n\"a\nb\",'=1+1\n")}
	f := excelize.NewFile()
	defer f.Close()
	for i, row := range [][]string{header, line} {
		if err := f.SetSheetRow("Sheet1", "A"+string(rune('1'+i)), &row); err != nil {
			tb.Fatal(err)
		}
	}
	var b bytes.Buffer
	if err := f.Write(&b); err != nil {
		tb.Fatal(err)
	}
	return csv, [][]byte{b.Bytes()}
}

// sheet takes the table out of an XLSX file, and inside puts another one in: a
// damaged zip is refused by its check sums, what is in it would not be.
func sheet(tb testing.TB, xlsx []byte) (table []byte, inside func(testing.TB, []byte) []byte) {
	tb.Helper()
	whole, err := zip.NewReader(bytes.NewReader(xlsx), int64(len(xlsx)))
	if err != nil {
		tb.Fatal(err)
	}
	const name = "xl/worksheets/sheet1.xml"
	files := map[string][]byte{}
	for _, f := range whole.File {
		r, err := f.Open()
		if err != nil {
			tb.Fatal(err)
		}
		if files[f.Name], err = io.ReadAll(r); err != nil {
			tb.Fatal(err)
		}
	}
	return files[name], func(t testing.TB, b []byte) []byte {
		var out bytes.Buffer
		z := zip.NewWriter(&out)
		for _, f := range whole.File {
			content := files[f.Name]
			if f.Name == name {
				content = b
			}
			w, err := z.CreateHeader(&zip.FileHeader{Name: f.Name, Method: zip.Store})
			if err == nil {
				_, err = w.Write(content)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		return out.Bytes()
	}
}

// imported: a file is refused as invalid or gives lines with a cell for each
// column.
func imported(t testing.TB, b []byte) bool {
	lines, err := office.ReadImport(b)
	if err != nil {
		if fault.CodeOf(err) != fault.Invalid {
			t.Fatalf("refused as %s: %v", fault.CodeOf(err), err)
		}
		return false
	}
	for _, l := range lines {
		if len(l.Cells) != len(office.ImportColumns()) || l.Line < 2 {
			t.Fatalf("line %+v", l)
		}
	}
	return true
}

func FuzzImport(f *testing.F) {
	csv, xlsx := tables(f)
	for _, b := range append(csv, xlsx...) {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) { imported(t, b) })
}

func FuzzSheet(f *testing.F) {
	_, xlsx := tables(f)
	table, inside := sheet(f, xlsx[0])
	f.Add(table)
	f.Fuzz(func(t *testing.T, b []byte) { imported(t, inside(t, b)) })
}

func TestFuzzed(t *testing.T) {
	csv, xlsx := tables(t)
	mutate.Run(t, "FuzzImport", onTurn(12_000), csv, imported)
	mutate.Run(t, "FuzzImport", onTurn(1_000), xlsx, imported)
	table, inside := sheet(t, xlsx[0])
	mutate.Run(t, "FuzzSheet", onTurn(600), [][]byte{table}, func(t testing.TB, b []byte) bool { return imported(t, inside(t, b)) })
}

// onTurn is how often a test does what no engine has a part in: often on
// SQLite, and just to see it work on the other.
func onTurn(n int) int {
	if storetest.Turn() != "sqlite" {
		return n / 20
	}
	return n
}
