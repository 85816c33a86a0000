package office

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"siteledger/server/fault"
	"siteledger/server/ledger"
	"siteledger/syncproto"
	"siteledger/syncproto/changelog"
	"siteledger/syncproto/schema"

	"github.com/google/uuid"
)

// MaxImportRows bounds one import file.
const MaxImportRows = 5000

// importBatch is how many rows of the file are committed in one transaction;
// a row makes at most three edits, and a transaction holds a thousand.
const importBatch = 300

// ImportColumns are the columns of the template, in order, with the words that
// a header may use for each. Only customer and phone are needed.
func ImportColumns() []ImportColumn {
	return []ImportColumn{
		{"customer", "name", true, []string{"顾客名称", "客户姓名", "姓名", "customer", "name"}},
		{"customer", "phone", true, []string{"联系电话", "电话", "手机", "phone"}},
		{"customer", "address", false, []string{"地址", "address"}},
		{"customer", "note", false, []string{"备注", "note"}},
		{"contract", "contract_no", false, []string{"合同号", "合同编号", "contract no.", "contract", "contract no"}},
		{"contract", "store", false, []string{"商场", "store"}},
		{"contract", "designer", false, []string{"设计员", "设计师", "designer"}},
		{"contract", "order_time", false, []string{"下单时间", "下单日期", "ordered"}},
		{"contract", "delivery_date", false, []string{"交货日期", "delivered"}},
		{"contract", "installed_at", false, []string{"安装完成", "安装日期", "installed"}},
		{"contract", "warranty_until", false, []string{"质保期至", "质保到期", "warranty until"}},
		{"contract_item", "category", false, []string{"品类", "category"}},
		{"contract_item", "model", false, []string{"型号", "model"}},
		{"contract_item", "material", false, []string{"材料名称", "材料", "material"}},
	}
}

// ImportColumn is one column of an import file.
type ImportColumn struct {
	Table, Column string
	Needed        bool
	Names         []string // lower case; the first is the template's
}

// ImportLine is one row of the file as read: cells in the order of
// [ImportColumns]. Line is its number in the file, the header being 1.
type ImportLine struct {
	Line  int      `json:"l"`
	Cells []string `json:"c"`
}

// BadLine is a row that will not be imported and why. Why is a dictionary key
// with arguments.
type BadLine struct {
	Line int
	Name string
	Why  string
}

// ImportPlan is what an import would do, or did.
type ImportPlan struct {
	Customers int // new files
	Contracts int // new contracts
	Items     int
	Known     int // rows whose customer is there already: only the contract is added
	Bad       []BadLine

	rows []importRow
}

type importRow struct {
	line     ImportLine
	customer map[string]any // nil: the customer is there already
	id       uuid.UUID
	contract map[string]any
	item     map[string]any
}

// CustomerKey tells customers apart: the name and the digits of the telephone.
func CustomerKey(name, phone string) string {
	return strings.ToLower(strings.Join(strings.Fields(name), "")) + "\x00" + strings.TrimPrefix(Digits(phone), "86")
}

// PlanImport checks every row of a file and says what would be written. It
// writes nothing. A wrong row never hides the others.
func (o *Office) PlanImport(ctx context.Context, who Who, lines []ImportLine) (*ImportPlan, error) {
	if !who.atCentre() {
		return nil, fault.New(syncproto.Forbidden, "error.forbidden")
	}
	if len(lines) > MaxImportRows {
		return nil, fault.New(fault.Invalid, fmt.Sprintf("import.too-many|%d", MaxImportRows))
	}
	contracts, err := o.reader.KnownContracts(ctx, who.Centre)
	if err != nil {
		return nil, err
	}
	customers, err := o.reader.KnownCustomers(ctx, who.Centre)
	if err != nil {
		return nil, err
	}
	plan := &ImportPlan{}
	for _, l := range lines {
		row, why := o.importLine(l, customers, contracts)
		if why != "" {
			plan.Bad = append(plan.Bad, BadLine{Line: l.Line, Name: cell(l, 0), Why: why})
			continue
		}
		plan.add(row)
	}
	return plan, nil
}

func (p *ImportPlan) add(row importRow) {
	if row.customer != nil {
		p.Customers++
	} else {
		p.Known++
	}
	if row.contract != nil {
		p.Contracts++
	}
	if row.item != nil {
		p.Items++
	}
	p.rows = append(p.rows, row)
}

func cell(l ImportLine, i int) string {
	if i < len(l.Cells) {
		return strings.TrimSpace(l.Cells[i])
	}
	return ""
}

// importLine checks one row and enters what it makes into the two maps, so
// that a later row of the same customer or contract is seen.
func (o *Office) importLine(l ImportLine, customers map[string]uuid.UUID, contracts map[string]bool) (importRow, string) {
	row := importRow{line: l}
	by := map[string]map[string]any{"customer": {}, "contract": {}, "contract_item": {}}
	var p problems
	for i, c := range ImportColumns() {
		v := cell(l, i)
		if v == "" {
			p.when(c.Needed, "office.need", c.Table+"."+c.Column)
			continue
		}
		value, ok := o.importValue(c, v)
		if !ok {
			p.add("office.value", c.Table+"."+c.Column)
			continue
		}
		by[c.Table][c.Column] = value
	}
	if s, ok := by["customer"]["phone"].(string); ok && !phoneLike(s) {
		p.add("office.phone")
	}
	no, _ := by["contract"]["contract_no"].(string)
	if no == "" && len(by["contract"])+len(by["contract_item"]) > 0 {
		p.add("import.contract-no")
	}
	if len(by["contract_item"]) > 0 && by["contract_item"]["category"] == nil {
		p.add("office.need", "contract_item.category")
	}
	if len(p) > 0 {
		return row, strings.Join(p, "\n")
	}
	key := CustomerKey(by["customer"]["name"].(string), by["customer"]["phone"].(string))
	id, known := customers[key]
	if no != "" && contracts[no] {
		return row, "import.contract-known|" + no
	}
	if known && no == "" {
		return row, "import.customer-known"
	}
	if !known {
		id = o.newID()
		row.customer = by["customer"]
		customers[key] = id
	}
	row.id = id
	if no != "" {
		contracts[no] = true
		row.contract = by["contract"]
		if len(by["contract_item"]) > 0 {
			row.item = by["contract_item"]
		}
	}
	return row, ""
}

// importValue reads a cell as what its column holds: dates by the screens'
// wall clock, a category by its word in either language.
func (o *Office) importValue(c ImportColumn, v string) (any, bool) {
	col := o.schema.Table(c.Table).Column(c.Column)
	switch {
	case col.Type == schema.Time:
		ms, ok := ParseDate(v, o.zone)
		return ms, ok
	case len(col.Values) > 0:
		for _, name := range col.Values {
			l := col.ValueLabels[name]
			if strings.EqualFold(v, name) || v == l.ZH || strings.EqualFold(v, l.EN) {
				return name, true
			}
		}
		return nil, false
	}
	return v, col.Fits(v)
}

// ParseDate reads the dates that people type and spreadsheets write (a day's
// number since 1899-12-30 among them), at the start of the day.
func ParseDate(s string, zone *time.Location) (int64, bool) {
	if n, err := strconv.ParseFloat(s, 64); err == nil && n > 32874 && n < 73416 && len(s) != 8 {
		return time.Date(1899, 12, 30+int(n), 0, 0, 0, 0, zone).UnixMilli(), true
	}
	for _, layout := range []string{"2006-01-02", "2006/1/2", "2006.1.2", "2006年1月2日", "20060102", "2006-1-2", "2006-01-02 15:04:05", "2006-01-02 15:04", "2006/1/2 15:04"} {
		if t, err := time.ParseInLocation(layout, s, zone); err == nil && t.Year() >= 1990 && t.Year() <= 2100 {
			return t.UnixMilli(), true
		}
	}
	return 0, false
}

// Import writes the good rows of a file, in transactions of at most 300 rows.
// On an error what was committed stays, and says how much that was: the same
// file can be given again, rows that are in are then known.
func (o *Office) Import(ctx context.Context, who Who, lines []ImportLine) (*ImportPlan, error) {
	plan, err := o.PlanImport(ctx, who, lines)
	if err != nil {
		return nil, err
	}
	done := 0
	for len(plan.rows) > done {
		next := min(done+importBatch, len(plan.rows))
		var edits []ledger.Edit
		for _, r := range plan.rows[done:next] {
			edits = append(edits, o.importEdits(r)...)
		}
		if _, err := o.journal.Write(ctx, who.Centre, who.author(), edits); err != nil {
			return nil, fmt.Errorf("import: %d of %d rows were written before: %w", done, len(plan.rows), err)
		}
		done = next
	}
	return plan, nil
}

func (o *Office) importEdits(r importRow) []ledger.Edit {
	var edits []ledger.Edit
	insert := func(table string, id uuid.UUID, cols map[string]any) {
		edits = append(edits, ledger.Edit{Table: table, Row: id, Op: changelog.Insert, Cols: cols})
	}
	if r.customer != nil {
		insert("customer", r.id, r.customer)
	}
	if r.contract == nil {
		return edits
	}
	contract := o.newID()
	r.contract["customer"] = r.id[:]
	insert("contract", contract, r.contract)
	if r.item != nil {
		r.item["contract"] = contract[:]
		insert("contract_item", o.newID(), r.item)
	}
	return edits
}
