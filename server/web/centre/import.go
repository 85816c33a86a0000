package centre

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"net/http"

	"siteledger/server/fault"
	"siteledger/server/office"
	"siteledger/server/web"

	"github.com/xuri/excelize/v2"
)

// ImportPage is the import of customers and contracts: a file, what it would
// do, and its committing. The rows travel with the form, so that no file of
// customers stays on the server; they are checked again at the commit.
type ImportPage struct {
	Problem string
	Columns []office.ImportColumn
	Plan    *office.ImportPlan
	Rows    string // the rows as read, packed
	File    string
	Good    int
	Done    bool
}

func (d *Door) importPage(c *web.Context) error {
	return d.showImport(c, http.StatusOK, &ImportPage{})
}

func (d *Door) showImport(c *web.Context, status int, p *ImportPage) error {
	p.Columns = office.ImportColumns()
	return c.RenderStatus(status, "import", web.Page{Title: c.T("import.title"), Nav: "import", Data: p})
}

func (d *Door) importRefused(c *web.Context, err error, p *ImportPage) error {
	status, text, ok := c.Problem(err)
	if !ok {
		return err
	}
	p.Problem = text
	return d.showImport(c, status, p)
}

// importCheck serves POST /centre/import/check: reads the file and says what
// would happen; nothing is written.
func (d *Door) importCheck(c *web.Context) error {
	p := &ImportPage{}
	f, head, err := c.R.FormFile("file")
	if err != nil {
		return d.importRefused(c, fault.New(fault.Invalid, "import.no-file"), p)
	}
	defer f.Close()
	p.File = head.Filename
	b, err := io.ReadAll(io.LimitReader(f, office.MaxImportBytes+1))
	if err != nil {
		return err
	}
	lines, err := office.ReadImport(b)
	if err != nil {
		return d.importRefused(c, err, p)
	}
	if p.Plan, err = d.cfg.Office.PlanImport(c.Context(), who(c), lines); err != nil {
		return d.importRefused(c, err, p)
	}
	p.Good = len(lines) - len(p.Plan.Bad)
	if p.Rows, err = pack(lines); err != nil {
		return err
	}
	return d.showImport(c, http.StatusOK, p)
}

func (d *Door) importCommit(c *web.Context) error {
	p := &ImportPage{File: c.Form("name"), Done: true}
	lines, err := unpack(c.R.PostFormValue("rows"))
	if err != nil {
		return d.importRefused(c, fault.Wrap(fault.Invalid, "import.rows", err), &ImportPage{})
	}
	if p.Plan, err = d.cfg.Office.Import(c.Context(), who(c), lines); err != nil {
		return d.importRefused(c, err, &ImportPage{})
	}
	p.Good = len(lines) - len(p.Plan.Bad)
	return d.showImport(c, http.StatusOK, p)
}

func pack(lines []office.ImportLine) (string, error) {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if err := json.NewEncoder(z).Encode(lines); err != nil {
		return "", err
	}
	if err := z.Close(); err != nil {
		return "", err
	}
	return base64.StdEncoding.EncodeToString(b.Bytes()), nil
}

// unpack reads packed rows, within the limits of a file.
func unpack(s string) ([]office.ImportLine, error) {
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		return nil, err
	}
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	d := json.NewDecoder(io.LimitReader(z, 8*office.MaxImportBytes))
	if open, err := d.Token(); err != nil || open != json.Delim('[') {
		return nil, errors.Join(errRows, err)
	}
	var lines []office.ImportLine
	// Line by line: a few bytes can unpack to millions of lines, and nobody
	// keeps more than a file may have.
	for d.More() {
		if len(lines) == office.MaxImportRows {
			return nil, errRows
		}
		var line office.ImportLine
		if err := d.Decode(&line); err != nil {
			return nil, err
		}
		lines = append(lines, line)
	}
	_, err = d.Token()
	return lines, err
}

var errRows = errors.New("these are no packed rows of a file")

// importTemplate serves GET /centre/import/template?as=csv|xlsx: the header
// and one example.
func (d *Door) importTemplate(c *web.Context) error {
	header, example := []string{}, []string{}
	for _, col := range office.ImportColumns() {
		name := d.cfg.Schema.Table(col.Table).Column(col.Column).Label.In(c.Lang)
		if c.Lang == web.Chinese {
			name = col.Names[0]
		}
		if col.Needed {
			name = "*" + name
		}
		header = append(header, name)
		example = append(example, c.T("import.example."+col.Column))
	}
	h := c.W.Header()
	if c.Form("as") == "csv" {
		h.Set("Content-Type", "text/csv; charset=utf-8")
		h.Set("Content-Disposition", `attachment; filename="customers.csv"`)
		var b bytes.Buffer
		b.WriteString("\ufeff")
		w := csv.NewWriter(&b)
		if err := w.WriteAll([][]string{header, example}); err != nil {
			return err
		}
		_, _ = c.W.Write(b.Bytes()) // the reader may have gone away
		return nil
	}
	f := excelize.NewFile()
	defer f.Close()
	for i, row := range [][]string{header, example} {
		for j, v := range row {
			cell, err := excelize.CoordinatesToCellName(j+1, i+1)
			if err != nil {
				return err
			}
			if err := f.SetCellStr("Sheet1", cell, v); err != nil {
				return err
			}
		}
	}
	if err := f.SetColWidth("Sheet1", "A", "N", 16); err != nil {
		return err
	}
	var b bytes.Buffer
	if err := f.Write(&b); err != nil {
		return err
	}
	h.Set("Content-Type", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")
	h.Set("Content-Disposition", `attachment; filename="customers.xlsx"`)
	_, _ = c.W.Write(b.Bytes()) // the reader may have gone away
	return nil
}
