package phone

import (
	"cmp"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"

	"github.com/google/uuid"

	clientsdk "siteledger/client-sdk"
	"siteledger/syncproto"
	"siteledger/syncproto/schema"
)

// uploadsData is 待上传: what only this phone has, grouped by visit.
type uploadsData struct {
	Groups  []uploadGroup
	Pending int
	Held    int
	NextTry int64
	Syncing bool
	Loose   []looseItem // pictures that no record names
	Nothing bool        // all of it is in the centre, checked
	Paid    bool        // the network costs money
	Rule    clientsdk.UploadRule
	Rules   []ruleChoice
}

// uploadGroup is one visit's way to the centre.
type uploadGroup struct {
	Job        uuid.UUID
	Title, Sub string
	Unsent     bool // words and numbers are not all there yet
	Held       bool
	Photos     int
	Verified   int
	Items      []uploadItem
	Trouble    bool
	Behind     []string // hashes of what could be moved up
	Paid       []string // hashes of what waits for Wi-Fi
	PaidSize   int64    // of Paid, in bytes
	added      int64
}

// uploadItem is one photo or signature on its way.
type uploadItem struct {
	SHA     string
	Name    string
	Preview string // address of a small picture; empty where there is none
	State   string
	Tone    string
	Icon    string
	Size    int64
	Sent    int64
	Reason  string
	Local   bool
	NextTry int64
	First   bool // moved up
	Behind  bool // could be moved up
	Waits   bool // for Wi-Fi
}

// blobOwner says which row names a blob.
type blobOwner struct {
	job, visit uuid.UUID
	row        schema.Row
	preview    bool
}

// blobOwners finds, for each hash, the row that names it.
func blobOwners(v rows) (map[[32]byte]blobOwner, error) {
	owners := map[[32]byte]blobOwner{}
	photos, err := v.Rows("photo", clientsdk.Query{})
	if err != nil {
		return nil, fmt.Errorf("photos: %w", err)
	}
	for _, p := range photos {
		for _, column := range []string{"preview", "original"} {
			if b := p.Bytes(column); len(b) == 32 {
				owners[[32]byte(b)] = blobOwner{job: p.UUID("job"), visit: p.UUID("visit"), row: p, preview: column == "preview"}
			}
		}
	}
	signatures, err := v.Rows("signature", clientsdk.Query{})
	if err != nil {
		return nil, fmt.Errorf("signatures: %w", err)
	}
	for _, s := range signatures {
		if b := s.Bytes("image"); len(b) == 32 {
			owners[[32]byte(b)] = blobOwner{job: s.Root, visit: s.UUID("visit"), row: s}
		}
	}
	return owners, nil
}

func uploadsPage(q *ask) error {
	st, err := q.app.client.Status(q.r.Context())
	if err != nil {
		return fmt.Errorf("status: %w", err)
	}
	d := uploadsData{Pending: st.Pending, Held: st.Held, Syncing: st.Syncing, Loose: q.loose(st.Uploads),
		Paid: st.Metered, Rule: st.UploadRule, Rules: q.ruleChoices(st.UploadRule)}
	if !st.NextTry.IsZero() && st.NextTry.After(q.now()) {
		d.NextTry = st.NextTry.UnixMilli()
	}
	err = q.view(func(v *clientsdk.View) error {
		d.Groups, err = q.uploadGroups(v, st.Uploads)
		return err
	})
	if err != nil {
		return err
	}
	d.Nothing = len(d.Groups) == 0 && d.Pending == 0 && len(d.Loose) == 0
	return q.show(http.StatusOK, "uploads", page{Title: q.t("tab.uploads"), Tab: "uploads", Body: d})
}

// uploadGroups sorts the uploads to their visits, and adds the visits whose
// words are still waiting.
func (q *ask) uploadGroups(v *clientsdk.View, uploads []clientsdk.Upload) ([]uploadGroup, error) {
	owners, err := blobOwners(v)
	if err != nil {
		return nil, err
	}
	t, err := q.loadJobs(v)
	if err != nil {
		return nil, err
	}
	byVisit := map[uuid.UUID]*uploadGroup{}
	group := func(job, visit uuid.UUID) *uploadGroup {
		key := visit
		if key == uuid.Nil {
			key = job
		}
		if byVisit[key] == nil {
			c := t.contact(job)
			byVisit[key] = &uploadGroup{Job: job, Title: cmp.Or(c.Text("community"), c.Text("name"), q.t("uploads.other")), Sub: c.Text("name")}
		}
		return byVisit[key]
	}
	for _, u := range uploads {
		o, named := owners[u.SHA256]
		if named && o.preview || !named && u.State == clientsdk.Stored {
			continue // its original stands for both; what no record names is listed by itself
		}
		g := group(o.job, o.visit)
		g.Photos++
		g.added = max(g.added, u.Added.UnixMilli())
		if u.State == clientsdk.Verified {
			g.Verified++
			continue
		}
		g.Trouble = g.Trouble || u.State == clientsdk.Attention
		it := q.uploadItem(u, o)
		g.Items = append(g.Items, it)
		if it.Behind {
			g.Behind = append(g.Behind, it.SHA)
		}
		if it.Waits {
			g.Paid, g.PaidSize = append(g.Paid, it.SHA), g.PaidSize+it.Size-it.Sent
		}
	}
	if err := q.unsentVisits(v, t, group); err != nil {
		return nil, err
	}
	out := make([]uploadGroup, 0, len(byVisit))
	for _, g := range byVisit {
		if g.Unsent || g.Held || g.Verified < g.Photos {
			out = append(out, *g)
		}
	}
	slices.SortFunc(out, func(a, b uploadGroup) int {
		return cmp.Or(cmp.Compare(b.added, a.added), cmp.Compare(a.Title, b.Title), slices.Compare(a.Job[:], b.Job[:]))
	})
	return out, nil
}

// unsentVisits marks the jobs whose rows are not acknowledged yet.
func (q *ask) unsentVisits(v *clientsdk.View, t jobTables, group func(job, visit uuid.UUID) *uploadGroup) error {
	latest := map[uuid.UUID]uuid.UUID{}
	for _, visit := range t.visits {
		latest[visit.UUID("job")] = visit.ID
	}
	for _, table := range []string{"job", "job_contact", "visit", "visit_event", "service_record", "defect", "photo", "part_used", "fee_line", "waiver", "receipt", "rating", "signature", "visit_close", "note"} {
		found, err := v.Rows(table, clientsdk.Query{})
		if err != nil {
			return fmt.Errorf("%s: %w", table, err)
		}
		for _, r := range found {
			m, err := v.Marks(table, r.ID)
			if err != nil {
				return fmt.Errorf("marks of %s: %w", table, err)
			}
			if !m.Unsent && !m.Held {
				continue
			}
			visit := r.UUID("visit")
			if table == "visit" {
				visit = r.ID
			}
			if visit == uuid.Nil {
				visit = latest[r.Root]
			}
			g := group(r.Root, visit)
			g.Unsent = g.Unsent || m.Unsent
			g.Held = g.Held || m.Held
		}
	}
	return nil
}

func (q *ask) uploadItem(u clientsdk.Upload, o blobOwner) uploadItem {
	it := uploadItem{SHA: hex.EncodeToString(u.SHA256[:]), Size: u.Size, Sent: u.Sent, Local: u.Local, First: u.First, Waits: u.Waits,
		Behind: u.State == clientsdk.Queued && !u.First && u.Purpose == syncproto.PurposePhoto}
	it.State, it.Tone, it.Icon = q.uploadWords(u.State)
	it.Name = q.t("uploads.signature")
	if o.row.Table == "photo" {
		it.Name = q.valueOf("photo", "role", o.row.Text("role"))
		if o.row.Bytes("preview") != nil {
			it.Preview = "/photo/" + o.row.ID.String() + "/preview"
		}
	}
	switch {
	case u.Waits:
		it.Reason = q.t("reason.paid")
	case u.Reason != "":
		key := "reason." + u.Reason
		if _, ok := q.dict[key]; !ok {
			key = "reason.other"
		}
		it.Reason = q.t(key)
	case u.First && u.State == clientsdk.Queued:
		it.Reason = q.t("uploads.up")
	}
	if u.NextTry.After(q.now()) {
		it.NextTry = u.NextTry.UnixMilli()
	}
	return it
}

// uploadWords is the word, colour and shape of an upload's state.
func (q *ask) uploadWords(s clientsdk.UploadState) (word, tone, icon string) {
	switch s {
	case clientsdk.Queued:
		return q.t("upload.queued"), "wait", "clock"
	case clientsdk.Uploading:
		return q.t("upload.uploading"), "info", "cloud-up"
	case clientsdk.Verified:
		return q.t("upload.verified"), "ok", "cloud-ok"
	case clientsdk.Attention:
		return q.t("upload.attention"), "bad", "warn"
	}
	return q.t("upload.stored"), "", "storage"
}
