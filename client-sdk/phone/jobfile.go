package phone

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"

	"github.com/google/uuid"

	clientsdk "siteledger/client-sdk"
	"siteledger/syncproto/fieldwork"
	"siteledger/syncproto/schema"
)

// jobFile is everything that this phone knows about one job.
type jobFile struct {
	Job       schema.Row
	Contact   schema.Row
	Items     []schema.Row
	History   []schema.Row
	Notes     []schema.Row
	Defects   []schema.Row
	Photos    []schema.Row
	Skips     []schema.Row // why photos were not taken
	Verdicts  []schema.Row // adjudications, oldest first
	Shares    []schema.Row
	Shipments []schema.Row
	Mine      bool       // this person is on the job's crew
	Visit     *visitFile // this person's visit that is not closed; nil before leaving
	Past      []*visitFile
	me        uuid.UUID
}

// visitFile is one visit with all that hangs from it.
type visitFile struct {
	fieldwork.VisitRows
	Waivers  []schema.Row
	Receipts []schema.Row
	Photos   []schema.Row
	// Count is how many rows name the visit, its closing row left out: what the
	// closing row states, so that the office can tell a whole visit from a part
	// of one.
	Count int
}

// loadJob reads a job in one snapshot. It is an error where the job is not on
// this phone.
func loadJob(v rows, id, me uuid.UUID) (*jobFile, error) {
	job, ok, err := v.Row("job", id)
	if err != nil {
		return nil, fmt.Errorf("job: %w", err)
	}
	if !ok || job.Deleted {
		return nil, gone()
	}
	f := &jobFile{Job: job, me: me}
	var assignments, contacts []schema.Row
	for _, part := range []struct {
		table string
		into  *[]schema.Row
	}{
		{"job_contact", &contacts}, {"job_item", &f.Items}, {"job_history", &f.History},
		{"assignment", &assignments}, {"note", &f.Notes}, {"defect", &f.Defects},
		{"photo", &f.Photos}, {"adjudication", &f.Verdicts}, {"responsibility", &f.Shares},
		{"return_shipment", &f.Shipments},
	} {
		if *part.into, err = rowsOf(v, part.table, id); err != nil {
			return nil, err
		}
	}
	if len(contacts) > 0 {
		f.Contact = contacts[0]
	}
	slices.SortFunc(f.History, func(a, b schema.Row) int { return cmp.Compare(b.Int("at"), a.Int("at")) })
	for _, as := range assignments {
		f.Mine = f.Mine || (as.Bool("active") && as.UUID("person") == me)
	}
	return f, f.loadVisits(v, me)
}

// rowsOf reads the rows of one table that hang from a job, in the order of
// their making.
func rowsOf(v rows, table string, job uuid.UUID) ([]schema.Row, error) {
	found, err := v.Rows(table, clientsdk.Query{Where: map[string]any{"root": job}})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", table, err)
	}
	return slices.DeleteFunc(found, func(r schema.Row) bool { return r.Deleted }), nil
}

// loadVisits sorts the rows of a job's visits and finds the open one.
func (f *jobFile) loadVisits(v rows, me uuid.UUID) error {
	visits, err := rowsOf(v, "visit", f.Job.ID)
	if err != nil {
		return err
	}
	read := map[string][]schema.Row{}
	tables := []string{"visit_event", "service_record", "part_used", "fee_line", "waiver", "receipt", "rating", "signature", "shot_skip", "copy_link", "visit_close"}
	for _, table := range tables {
		if read[table], err = rowsOf(v, table, f.Job.ID); err != nil {
			return err
		}
	}
	f.Skips = read["shot_skip"]
	for _, visit := range visits {
		of := func(table string) []schema.Row { return ofVisit(read[table], visit.ID) }
		file := &visitFile{
			VisitRows: fieldwork.VisitRows{
				Visit: visit, Record: lastOf(of("service_record")), Rating: lastOf(of("rating")),
				Parts: of("part_used"), Fees: of("fee_line"), Events: of("visit_event"),
				Signatures: of("signature"), Closes: of("visit_close"), Defects: ofVisit(f.Defects, visit.ID),
			},
			Waivers: of("waiver"), Receipts: of("receipt"), Photos: ofVisit(f.Photos, visit.ID),
		}
		file.Count = len(file.Defects) + len(file.Photos) - len(file.Closes)
		for _, table := range tables {
			file.Count += len(of(table))
		}
		if len(file.Closes) == 0 && visit.UUID("person") == me {
			f.Visit = file
		} else {
			f.Past = append(f.Past, file)
		}
	}
	return nil
}

func ofVisit(rows []schema.Row, visit uuid.UUID) []schema.Row {
	var own []schema.Row
	for _, r := range rows {
		if r.UUID("visit") == visit {
			own = append(own, r)
		}
	}
	return own
}

func lastOf(rows []schema.Row) *schema.Row {
	if len(rows) == 0 {
		return nil
	}
	return &rows[len(rows)-1]
}

// event finds the last event of a kind.
func (v *visitFile) event(kind string) (schema.Row, bool) {
	if v == nil {
		return schema.Row{}, false
	}
	for i := len(v.Events) - 1; i >= 0; i-- {
		if v.Events[i].Text("kind") == kind {
			return v.Events[i], true
		}
	}
	return schema.Row{}, false
}

func (v *visitFile) has(kind string) bool {
	_, ok := v.event(kind)
	return ok
}

// signature is the customer's last one.
func (v *visitFile) signature() (schema.Row, bool) {
	if v == nil {
		return schema.Row{}, false
	}
	for i := len(v.Signatures) - 1; i >= 0; i-- {
		if v.Signatures[i].Text("signer") == fieldwork.SignerCustomer {
			return v.Signatures[i], true
		}
	}
	return schema.Row{}, false
}

// defect finds a defect of the job.
func (f *jobFile) defect(id uuid.UUID) (schema.Row, bool) {
	for _, d := range f.Defects {
		if d.ID == id {
			return d, true
		}
	}
	return schema.Row{}, false
}

// photosOf are the photos of one defect.
func (f *jobFile) photosOf(defect uuid.UUID) []schema.Row {
	var own []schema.Row
	for _, p := range f.Photos {
		if p.UUID("defect") == defect {
			own = append(own, p)
		}
	}
	return own
}

// verdict is the last adjudication of a defect.
func (f *jobFile) verdict(defect uuid.UUID) (schema.Row, bool) {
	for i := len(f.Verdicts) - 1; i >= 0; i-- {
		if f.Verdicts[i].UUID("defect") == defect {
			return f.Verdicts[i], true
		}
	}
	return schema.Row{}, false
}

// wanted are the defects that wait for a photo of this phone.
func (f *jobFile) wanted() []schema.Row {
	var out []schema.Row
	for _, d := range f.Defects {
		if d.Text("status") == "retake" {
			out = append(out, d)
		}
	}
	return out
}

// onSite gives the open visit or refuses: a step on the site needs one that has
// arrived.
func (f *jobFile) onSite() (*visitFile, error) {
	if f.Visit == nil || !f.Visit.has("arrive") {
		return nil, no("wrong.arrive")
	}
	return f.Visit, nil
}

// visit finds one of the job's visits.
func (f *jobFile) visit(id uuid.UUID) *visitFile {
	if f.Visit != nil && f.Visit.Visit.ID == id {
		return f.Visit
	}
	for _, v := range f.Past {
		if v.Visit.ID == id {
			return v
		}
	}
	return nil
}

// again is this person's closed visit whose signature no longer covers what the
// records say, the newest of them: the customer is asked once more (SF-07). Nil
// where there is none, and once the office has registered the job.
func (f *jobFile) again() *visitFile {
	for i := len(f.Past) - 1; i >= 0 && f.Job.Text("status") == "finished"; i-- {
		v := f.Past[i]
		if v.Visit.UUID("person") == f.me && len(v.Closes) > 0 && fieldwork.StateOf(v.VisitRows) == fieldwork.SignatureSuperseded {
			return v
		}
	}
	return nil
}

// toSign is the visit that the customer's page shows: the one on the site, else
// a closed one that has to be signed again.
func (f *jobFile) toSign() (*visitFile, error) {
	if f.Visit == nil {
		if v := f.again(); v != nil {
			return v, nil
		}
	}
	return f.onSite()
}

// sameBlob compares a blob column with a hash.
func sameBlob(r schema.Row, column string, sha [32]byte) bool {
	return bytes.Equal(r.Bytes(column), sha[:])
}
