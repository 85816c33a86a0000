package benchtest

import (
	"time"

	"github.com/google/uuid"

	"siteledger/server/ledger"
	"siteledger/syncproto/changelog"
	"siteledger/syncproto/fieldwork"
	"siteledger/syncproto/schema"
)

// Story is one job from the call to the finished visit: taken in, dispatched,
// worked on without a network while the clerk corrected the phone number too,
// and pushed in the evening.
type Story struct {
	Phone                              *Phone
	Job, Contact, Customer, Item       uuid.UUID
	Visit, Defect, Fee, Waiver         uuid.UUID
	Full, Close, After                 uuid.UUID // photos
	FullSum, CloseSum, AfterSum, Image []byte
	Previews                           [][]byte
}

// ByClerk and ByPhone are the two corrections of the customer's number.
const (
	FirstNumber = "13800001234"
	ByClerk     = "13800001235"
	ByPhone     = "13900001234"
)

// Finished tells the story up to the push. No file has arrived yet.
func (w *World) Finished() *Story {
	w.Helper()
	s := &Story{Phone: w.Phone("李师傅"), Job: NewID(), Contact: NewID(), Customer: NewID(), Item: NewID(), Visit: NewID(), Defect: NewID(), Fee: NewID(), Waiver: NewID(),
		Full: NewID(), Close: NewID(), After: NewID(), FullSum: Sum("full"), CloseSum: Sum("close"), AfterSum: Sum("after"), Image: Sum("signature"),
		Previews: [][]byte{Sum("full preview"), Sum("close preview")}}
	rev := w.takeIn(s)
	w.Pass(2 * time.Hour)
	w.work(s, rev)
	w.Pass(time.Hour)
	w.Write(w.Centre, Author(w.Clerk), ledger.Edit{Table: "job_contact", Row: s.Contact, Op: changelog.Update, Base: rev,
		Cols: map[string]any{"phone": ByClerk}, Was: map[string]any{"phone": FirstNumber}})
	w.Pass(time.Hour)
	s.Phone.Record(ledger.Edit{Table: "job_contact", Row: s.Contact, Op: changelog.Update, Base: rev,
		Cols: map[string]any{"phone": ByPhone}, Was: map[string]any{"phone": FirstNumber}})
	w.Pass(3 * time.Hour)
	s.Phone.Push()
	return s
}

func (w *World) takeIn(s *Story) (rev uint64) {
	contract := NewID()
	return w.Write(w.Centre, Author(w.Clerk),
		Insert("customer", s.Customer, map[string]any{"name": "张𠮷", "phone": FirstNumber, "address": "幸福里 3 幢 1201"}),
		Insert("contract", contract, map[string]any{"customer": s.Customer[:], "contract_no": "HT-2026-0117", "store": "城东商场"}),
		Insert("job", s.Job, map[string]any{"job_no": "S2611040001", "kind": "aftersale", "intake_at": w.Now.UnixMilli(), "asked_work": "橱柜门板颜色不一致", "warranty": "out",
			"status": "new", "customer": s.Customer[:], "contract": contract[:], "contract_no": "HT-2026-0117"}),
		Insert("job_contact", s.Contact, map[string]any{"job": s.Job[:], "name": "张𠮷", "phone": FirstNumber, "address": "幸福里 3 幢 1201"}),
		Insert("job_item", s.Item, map[string]any{"job": s.Job[:], "contract_no": "HT-2026-0117", "category": "kitchen", "material": "模压门板 E0", "edge_profile": "直边", "edge_band": "PVC 同色", "drawing_size": "598×716", "store": "城东商场", "order_time": w.Now.UnixMilli() - 90*24*3600*1000}),
		Insert("job_history", NewID(), map[string]any{"job": s.Job[:], "at": w.Now.UnixMilli() - 40*24*3600*1000, "job_no": "S2609250003", "summary": "安装完成,客户满意"}),
		Insert("assignment", NewID(), map[string]any{"job": s.Job[:], "person": s.Phone.Device.Person[:], "lead": true, "active": true}),
		Update("job", s.Job, 0, map[string]any{"status": "dispatched"}),
	).Rev
}

// work is what the phone records on site.
func (w *World) work(s *Story, base uint64) {
	p, at := s.Phone, w.Now.UnixMilli()
	event := func(kind string) ledger.Edit {
		return Insert("visit_event", NewID(), map[string]any{"visit": s.Visit[:], "kind": kind, "at": w.Now.UnixMilli()})
	}
	state := func(v, was string) ledger.Edit {
		return ledger.Edit{Table: "job", Row: s.Job, Op: changelog.Update, Base: base, Cols: map[string]any{"status": v}, Was: map[string]any{"status": was}}
	}
	p.Record(Insert("visit", s.Visit, map[string]any{"job": s.Job[:], "person": p.Device.Person[:], "started_at": at, "outcome": "judge"}), event("depart"), state("departed", "dispatched"))
	w.Pass(20 * time.Minute)
	p.Record(event("arrive"), state("arrived", "departed"))
	p.Record(event("standard"))
	p.Record(Insert("defect", s.Defect, map[string]any{"job": s.Job[:], "visit": s.Visit[:], "no": int64(1), "class": "door_colour", "text": "左起第二块门板比旁边偏黄", "item": s.Item[:],
		"drawing_size": int64(598), "actual_size": int64(596), "status": "open"}),
		s.photo(w, s.Full, "full", s.FullSum, s.Previews[0]), s.photo(w, s.Close, "close", s.CloseSum, s.Previews[1]))
	p.Record(ledger.Edit{Table: "defect", Row: s.Defect, Op: changelog.Update, Cols: map[string]any{"status": "submitted"}, Was: map[string]any{"status": "open"}})
	p.Record(Insert("service_record", NewID(), map[string]any{"visit": s.Visit[:], "fault": "门板色差", "cause": "批次不同", "measure": "上报总部判定,调整铰链", "training_done": true, "cleaned": true}),
		s.photo(w, s.After, "after", s.AfterSum, nil))
	p.Record(Insert("fee_line", s.Fee, map[string]any{"visit": s.Visit[:], "item": "VISIT", "name": "上门费", "standard_version": "2026-1", "quantity": int64(1), "standard_price": int64(12000), "charged": int64(12000), "currency": "CNY", "basis": "standard"}),
		Insert("receipt", NewID(), map[string]any{"visit": s.Visit[:], "no": p.Receipt(), "amount": int64(12000), "currency": "CNY", "way": "qr", "issued_at": w.Now.UnixMilli()}))
	p.Record(event("selfcheck"), event("handover"))
	p.Record(Insert("rating", NewID(), map[string]any{"visit": s.Visit[:], "quality": int64(5), "attitude": int64(5), "handover": true}))
	p.Record(s.signature(w, 12000))
	p.Record(Insert("visit_close", NewID(), map[string]any{"visit": s.Visit[:], "at": w.Now.UnixMilli(), "rows": int64(15), "photos": int64(3)}), state("finished", "arrived"))
}

func (s *Story) photo(w *World, id uuid.UUID, role string, sum, preview []byte) ledger.Edit {
	cols := map[string]any{"job": s.Job[:], "visit": s.Visit[:], "role": role, "original": sum, "original_size": int64(3_600_000), "original_type": "image/jpeg",
		"taken_at": w.Now.UnixMilli(), "source": "camera"}
	if role != "after" {
		cols["defect"], cols["same_plane"] = s.Defect[:], true
	}
	if preview != nil {
		cols["preview"], cols["preview_size"] = preview, int64(20000)
	}
	return Insert("photo", id, cols)
}

// signature binds the customer's name to exactly what the visit shows.
func (s *Story) signature(w *World, fee int64) ledger.Edit {
	row := func(table string, cols map[string]any) schema.Row {
		return schema.Row{Table: table, ID: NewID(), Cols: cols}
	}
	visit := schema.Row{Table: "visit", ID: s.Visit, Cols: map[string]any{"started_at": w.Now.UnixMilli() - 20*60*1000, "outcome": "judge"}}
	record := row("service_record", map[string]any{"visit": s.Visit[:], "fault": "门板色差", "cause": "批次不同", "measure": "上报总部判定,调整铰链", "training_done": true, "cleaned": true})
	rating := row("rating", map[string]any{"visit": s.Visit[:], "quality": int64(5), "attitude": int64(5)})
	content, hash := fieldwork.Summary(fieldwork.VisitRows{Visit: visit, Record: &record, Rating: &rating,
		Defects: []schema.Row{row("defect", map[string]any{"visit": s.Visit[:], "class": "door_colour", "text": "左起第二块门板比旁边偏黄"})},
		Fees: []schema.Row{row("fee_line", map[string]any{"visit": s.Visit[:], "item": "VISIT", "name": "上门费", "standard_version": "2026-1", "quantity": int64(1), "standard_price": int64(12000),
			"charged": fee, "currency": "CNY", "basis": "standard"})}})
	return Insert("signature", NewID(), map[string]any{"visit": s.Visit[:], "signer": "customer", "outcome": "signed", "image": s.Image, "image_size": int64(9000),
		"content_hash": hash[:], "content": content, "at": w.Now.UnixMilli()})
}

// ArriveAll brings in every file of the story.
func (w *World) ArriveAll(s *Story) {
	w.Helper()
	w.Arrive(s.Phone.Device.ID, append([][]byte{s.FullSum, s.CloseSum, s.AfterSum, s.Image}, s.Previews...)...)
}
