package report

import (
	"cmp"
	"slices"

	"github.com/google/uuid"

	"siteledger/syncproto/schema"
)

// Mark says who wrote one cell and when, as the fold kept it.
type Mark struct {
	Rev      uint64    // rev of the fold that set the cell
	Device   uuid.UUID // the log's device; the office's own for a desk
	Actor    uuid.UUID // uuid.Nil for the server itself
	Role     schema.Role
	Wall     int64 // the writer's own clock, Unix milliseconds
	Received int64 // when the server knew, Unix milliseconds
	Office   bool  // written at a desk, not on a phone
}

// FileRow is a live row of the job and, per column, who wrote it last.
type FileRow struct {
	schema.Row
	Marks map[string]Mark
}

// Holder is a phone: whose it is and when the server last heard from it.
type Holder struct {
	Device      uuid.UUID
	Person      uuid.UUID
	Name        string // of the person
	Model       string
	LastContact int64 // Unix milliseconds, 0 for never
	ClockOffset int64 // the phone's wall clock minus the server's, milliseconds
}

// Loser is a value that lost a merge and stays readable (P5).
type Loser struct {
	Table  string
	Row    uuid.UUID
	Column string
	Rev    uint64
	Rule   schema.Rule
	Value  any // as JSON gave it
	Actor  uuid.UUID
	Device uuid.UUID
	Wall   int64 // the writer's own clock, Unix milliseconds
}

// JobFile is everything the centre knows about one job, read in one snapshot:
// all live rows by table, who wrote which column, its cases, the values that
// lost, and which of the files that its rows name are in and checked. It is
// what the case page, the registration, the printed slip and the adjudication
// page are built from.
type JobFile struct {
	Centre  uuid.UUID
	Job     uuid.UUID
	Rows    map[string][]FileRow // by table, oldest id first
	Losers  []Loser
	Cases   []Case
	Present map[[32]byte]bool    // blobs that were read back and checked
	People  map[uuid.UUID]string // names of the centre's and headquarters' people
	Roles   map[uuid.UUID]schema.Role
	Holders map[uuid.UUID]Holder // by device
	Contact schema.Row           // the row of the centre itself: name, service line
}

// All gives the live rows of a table, oldest first.
func (f JobFile) All(table string) []FileRow { return f.Rows[table] }

// Head is the job's own row; false where the centre has no such job.
func (f JobFile) Head() (FileRow, bool) { return f.Find("job", f.Job) }

// First is the oldest live row of a table, or an empty row.
func (f JobFile) First(table string) FileRow {
	if rows := f.Rows[table]; len(rows) > 0 {
		return rows[0]
	}
	return FileRow{Row: schema.Row{Table: table}}
}

// Find gives one row by id.
func (f JobFile) Find(table string, id uuid.UUID) (FileRow, bool) {
	for _, r := range f.Rows[table] {
		if r.ID == id {
			return r, true
		}
	}
	return FileRow{}, false
}

// Where gives the rows of a table whose uuid column names id, oldest first.
func (f JobFile) Where(table, column string, id uuid.UUID) []FileRow {
	var out []FileRow
	for _, r := range f.Rows[table] {
		if r.UUID(column) == id {
			out = append(out, r)
		}
	}
	return out
}

// Plain drops the marks, for the rules of the trade that want rows alone.
func Plain(rows []FileRow) []schema.Row {
	out := make([]schema.Row, len(rows))
	for i, r := range rows {
		out[i] = r.Row
	}
	return out
}

// Name is a person's name, or "" for an unknown id.
func (f JobFile) Name(person uuid.UUID) string { return f.People[person] }

// Leads are the people of the job's active assignments, the lead first.
func (f JobFile) Leads() []uuid.UUID {
	rows := slices.Clone(f.Rows["assignment"])
	rows = slices.DeleteFunc(rows, func(r FileRow) bool { return !r.Bool("active") })
	slices.SortStableFunc(rows, func(a, b FileRow) int {
		return cmp.Compare(order(a.Bool("lead")), order(b.Bool("lead")))
	})
	out := make([]uuid.UUID, len(rows))
	for i, r := range rows {
		out[i] = r.UUID("person")
	}
	return out
}

func order(lead bool) int {
	if lead {
		return 0
	}
	return 1
}

// HasBlob says that the bytes of a blob column are in and checked. A column
// without a hash has nothing to wait for.
func (f JobFile) HasBlob(r FileRow, column string) bool {
	b := r.Bytes(column)
	if len(b) != 32 {
		return true
	}
	return f.Present[[32]byte(b)]
}

// HolderOf is the phone that recorded a row: the one that holds its bytes.
func (f JobFile) HolderOf(r FileRow, column string) Holder {
	m, ok := r.Marks[column]
	if !ok {
		return Holder{}
	}
	if h, ok := f.Holders[m.Device]; ok {
		return h
	}
	return Holder{Device: m.Device}
}

// BlobRow is a row that names a file, and the column in which it does.
type BlobRow struct {
	Table  string
	Row    uuid.UUID
	Column string
}
