package office

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"siteledger/server/fault"

	"github.com/xuri/excelize/v2"
	"golang.org/x/text/encoding/simplifiedchinese"
)

// MaxImportBytes bounds an import file; MaxUnzipped what it may unpack to.
const (
	MaxImportBytes = 4 << 20
	maxUnzipped    = 64 << 20
)

// ReadImport reads a CSV (UTF-8, or GBK as Excel saves it in China) or XLSX
// file into lines by its header. A file that is neither, has no known header
// or is too large is an Invalid fault.
func ReadImport(b []byte) ([]ImportLine, error) {
	if len(b) > MaxImportBytes {
		return nil, fault.New(fault.Invalid, fmt.Sprintf("import.too-large|%d", MaxImportBytes>>20))
	}
	var cells [][]string
	var err error
	if bytes.HasPrefix(b, []byte("PK\x03\x04")) {
		cells, err = readXLSX(b)
	} else {
		cells, err = readCSV(b)
	}
	if err != nil {
		return nil, err
	}
	return byHeader(cells)
}

func readCSV(b []byte) ([][]string, error) {
	b = bytes.TrimPrefix(b, []byte("\xef\xbb\xbf"))
	if !utf8.Valid(b) {
		decoded, err := simplifiedchinese.GB18030.NewDecoder().Bytes(b)
		if err != nil {
			return nil, fault.Wrap(fault.Invalid, "import.encoding", err)
		}
		b = decoded
	}
	if bytes.IndexByte(b, 0) >= 0 {
		return nil, fault.New(fault.Invalid, "import.not-a-table")
	}
	r := csv.NewReader(bytes.NewReader(b))
	r.FieldsPerRecord = -1
	r.LazyQuotes = true
	if first, _, _ := bytes.Cut(b, []byte("\n")); bytes.Count(first, []byte("\t")) > bytes.Count(first, []byte(",")) {
		r.Comma = '\t'
	}
	var out [][]string
	for {
		rec, err := r.Read()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, fault.Wrap(fault.Invalid, "import.not-a-table", err)
		}
		if out = append(out, rec); len(out) > MaxImportRows+1 {
			return nil, fault.New(fault.Invalid, fmt.Sprintf("import.too-many|%d", MaxImportRows))
		}
	}
}

func readXLSX(b []byte) ([][]string, error) {
	f, err := excelize.OpenReader(bytes.NewReader(b), excelize.Options{UnzipSizeLimit: maxUnzipped, UnzipXMLSizeLimit: maxUnzipped / 2, RawCellValue: true})
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, "import.not-a-table", err)
	}
	defer f.Close()
	sheets := f.GetSheetList()
	if len(sheets) == 0 {
		return nil, fault.New(fault.Invalid, "import.not-a-table")
	}
	rows, err := f.Rows(sheets[0])
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, "import.not-a-table", err)
	}
	defer rows.Close()
	var out [][]string
	for rows.Next() {
		rec, err := rows.Columns()
		if err != nil {
			return nil, fault.Wrap(fault.Invalid, "import.not-a-table", err)
		}
		if len(rec) > 200 {
			rec = rec[:200]
		}
		if out = append(out, rec); len(out) > MaxImportRows+1 {
			return nil, fault.New(fault.Invalid, fmt.Sprintf("import.too-many|%d", MaxImportRows))
		}
	}
	return out, nil
}

// byHeader puts the cells into the order of ImportColumns by the first row.
// Empty rows are left out.
func byHeader(cells [][]string) ([]ImportLine, error) {
	if len(cells) == 0 {
		return nil, fault.New(fault.Invalid, "import.empty")
	}
	columns := ImportColumns()
	at := make([]int, len(columns)) // place in the file, -1 where absent
	for i, c := range columns {
		at[i] = -1
		for j, h := range cells[0] {
			h = strings.ToLower(strings.TrimSpace(strings.TrimLeft(strings.TrimSpace(h), "*")))
			for _, n := range c.Names {
				if h == n && at[i] < 0 {
					at[i] = j
				}
			}
		}
		if c.Needed && at[i] < 0 {
			return nil, fault.New(fault.Invalid, "import.header|"+c.Table+"."+c.Column)
		}
	}
	var out []ImportLine
	for n, rec := range cells[1:] {
		l := ImportLine{Line: n + 2, Cells: make([]string, len(columns))}
		empty := true
		for i, j := range at {
			if j >= 0 && j < len(rec) {
				l.Cells[i] = strings.TrimSpace(strings.TrimPrefix(strings.ToValidUTF8(rec[j], "\uFFFD"), "'"))
				empty = empty && l.Cells[i] == ""
			}
		}
		if !empty {
			out = append(out, l)
		}
	}
	if len(out) == 0 {
		return nil, fault.New(fault.Invalid, "import.empty")
	}
	return out, nil
}

// Harmless keeps a cell of an export from being taken for a formula by a
// spreadsheet.
func Harmless(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r\n|%", rune(s[0])) {
		return "'" + s
	}
	return s
}
