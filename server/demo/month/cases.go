package month

import (
	"encoding/json"
	"time"

	"github.com/google/uuid"

	"siteledger/server/demo/scene"
	"siteledger/server/ledger"
	"siteledger/syncproto"
	"siteledger/syncproto/fieldwork"
)

// defect is a case for headquarters.
type defect struct {
	id     uuid.UUID
	visit  *visit
	class  string
	fate   string // what became of it, see fates
	room   uint64
	judged time.Time // zero while it is open
}

// fates are the fourteen cases of the month, the oldest first. The last ones
// are still open for judgement.
var fates = []struct{ class, fate string }{
	{"door_colour", "hq"}, {"top_crack", "store"}, {"door_warp", "hq"}, {"door_colour", "retaken"}, {"wrong_size", "hq"},
	{"top_colour", "returned"}, {"door_crack", "carrier"}, {"door_colour", "customer"},
	{"top_colour", "return"}, {"door_colour", "retake"},
	{"door_colour", "open"}, {"top_crack", "open"}, {"door_crack", "open"}, {"door_warp", "open"},
}

// cases puts a defect into fourteen of the month's visits, spread so that the
// open ones are the latest.
func (b *builder) cases() {
	closed := len(fates) - 6
	var early, late []*visit
	for _, v := range b.visits {
		if !v.last || v.job.item.category != "kitchen" && v.job.item.category != "wardrobe" {
			continue
		}
		if v.start.Before(b.midnight(-7)) {
			early = append(early, v)
		} else if v.start.Before(b.midnight(0)) {
			late = append(late, v)
		}
	}
	for i, f := range fates {
		from := early
		at := len(early) * (2*i + 1) / (2 * closed)
		if i >= closed {
			from, at = late, len(late)*(2*(i-closed)+1)/(2*(len(fates)-closed))
		}
		// A worktop belongs to a kitchen, and no visit has two cases.
		for n := range len(from) {
			v := from[(at+n)%len(from)]
			if len(v.job.defects) == 0 && (f.class[:3] != "top" || v.job.item.category == "kitchen") {
				b.addDefect(v, f.class, f.fate)
				break
			}
		}
	}
}

// addDefect slips a defect with its photographs into a visit, before the
// self-check, and makes the visit's summary and signature anew.
func (b *builder) addDefect(v *visit, class, fate string) {
	d := &defect{id: b.id(v.start), visit: v, class: class, fate: fate, room: b.scene()}
	v.job.defects = append(v.job.defects, d)
	tail := b.reopen(v)
	at := v.leave
	cols := map[string]any{
		"job": raw(v.job.id), "visit": raw(v.id), "no": int64(1), "class": class, "text": pick(b.rng, defectText[class]), "item": raw(v.job.itemRow), "status": "open",
	}
	if class == "wrong_size" {
		cols["drawing_size"], cols["actual_size"] = int64(720), int64(705)
	}
	v.record(at, insert("defect", d.id, cols))
	v.rows.Defects = append(v.rows.Defects, rowOf(d.id, cols))
	views := []scene.View{scene.Full, scene.Close}
	switch class {
	case "top_crack", "wrong_size":
		views = append(views, scene.Scale)
	case "top_colour":
		views = append(views, scene.Compare)
	}
	v.leave = at
	for _, view := range views {
		v.leave = v.leave.Add(b.between(20*time.Second, 90*time.Second))
		b.photo(v, d.shot(view, v.job.item.category == "wardrobe"), v.leave)
	}
	v.leave = v.leave.Add(time.Minute)
	v.record(v.leave, update("defect", d.id, map[string]any{"status": "submitted"}, map[string]any{"status": "open"}))
	v.prompt = d.judgedLater()
	b.end(v, "judge", tail)
}

// judgedLater says that the case is still open when the month ends, and so has
// to have arrived.
func (d *defect) judgedLater() bool {
	return d.fate == "open" || d.fate == "retake" || d.fate == "return"
}

// shot is the picture of a defect in one view.
func (d *defect) shot(view scene.View, bedroom bool) shot {
	fault := scene.Fault(d.class)
	if d.class == "wrong_size" {
		fault = scene.DoorWarp
	}
	return shot{
		role: string(view), scene: d.room, bedroom: bedroom && d.class[:3] != "top", fault: fault, view: view, defect: d.id,
		wrong: d.wrong(string(view)), large: d.judgedLater() && view != scene.Scale, samePlane: d.class == "door_colour" || d.class == "top_colour",
	}
}

// reopen takes back the end of a visit, so that something can come before it,
// and answers how the customer signed.
func (b *builder) reopen(v *visit) (signed string) {
	signed = fieldwork.Signed
	for i, r := range v.records {
		if e := r.Edits[0]; e.Table == "visit_event" && e.Cols["kind"] == "selfcheck" {
			v.leave = r.At
			v.records = v.records[:i]
			break
		}
	}
	v.rows.Events = v.rows.Events[:0]
	v.count = 0
	for _, r := range v.records {
		for _, e := range r.Edits {
			if e.Cols["visit"] != nil {
				v.count++
			}
		}
	}
	delete(v.rows.Visit.Cols, "outcome")
	v.rows.Rating = nil
	v.job.status = "arrived"
	for i, other := range b.visits {
		if other == v {
			b.visits = append(b.visits[:i], b.visits[i+1:]...)
			break
		}
	}
	return signed
}

// judge writes what headquarters decided, each at its time.
func (b *builder) judge() {
	for _, j := range b.jobs {
		for i, d := range j.defects {
			b.judgeOne(d, b.judges[i%2])
		}
	}
}

func (b *builder) judgeOne(d *defect, by *Person) {
	at := b.workTime(d.visit.pushed.Add(b.between(4*time.Hour, 40*time.Hour)))
	switch d.fate {
	case "open":
		return
	case "retake":
		b.ask(d, by, minTime(at, b.now.Add(-2*time.Hour)), "retake")
		return
	case "return":
		b.ask(d, by, minTime(at, b.now.Add(-2*time.Hour)), "return")
		return
	case "retaken":
		adjudication := b.ask(d, by, at, "retake")
		at = b.again(d, adjudication, at)
	case "returned":
		b.ask(d, by, at, "return")
		at = at.AddDate(0, 0, 6)
	}
	b.verdict(d, by, at)
}

// adjudication writes a verdict's row and the defect's next state.
func (b *builder) adjudication(d *defect, by *Person, at time.Time, cols map[string]any, to string, more ...ledger.Edit) uuid.UUID {
	id := b.id(at)
	cols["defect"], cols["adjudicator"], cols["at"] = raw(d.id), raw(by.ID), ms(at)
	from := "submitted"
	if d.fate == "returned" && to == "judged" {
		from = "returning"
	}
	edits := []ledger.Edit{insert("adjudication", id, cols)}
	for _, e := range more {
		if e.Table == "responsibility" {
			e.Cols["adjudication"] = raw(id)
		}
		edits = append(edits, e)
	}
	edits = append(edits, update("defect", d.id, map[string]any{"status": to}, map[string]any{"status": from}))
	// A verdict is one transaction of its own, at its own time.
	b.step(Step{At: at, Office: &Office{Centre: b.m.Centre, By: ledger.Author{Person: by.ID, Role: by.Role}, Edits: edits}})
	return id
}

// ask writes a verdict that waits for more: photographs, or the goods.
func (b *builder) ask(d *defect, by *Person, at time.Time, verdict string) uuid.UUID {
	if verdict == "retake" {
		lacks := "缺少自然光下的全景,看不出与相邻门板的差别"
		id := b.adjudication(d, by, at, map[string]any{"verdict": "retake", "lacks": lacks, "wanted_role": "full"}, "retake")
		args, err := json.Marshal(map[string]string{
			"job": d.visit.job.id.String(), "defect": d.id.String(), "adjudication": id.String(), "role": "full", "text": lacks,
		})
		if err != nil {
			return id
		}
		b.step(Step{At: at.Add(time.Second), Office: &Office{Centre: b.m.Centre, By: ledger.Author{Person: by.ID, Role: by.Role}, Edits: []ledger.Edit{
			insert("instruction", b.id(at), map[string]any{"person": raw(d.visit.phone.Person.ID), "kind": syncproto.KindRetake, "args": string(args), "at": ms(at)}),
		}}})
		return id
	}
	shipment := b.id(at)
	id := b.adjudication(d, by, at, map[string]any{
		"verdict": "return", "lacks": "色差与光线有关,照片无法判定,需要实物比对", "cost": int64(18000), "currency": "CNY",
	}, "returning", insert("return_shipment", shipment, map[string]any{"defect": raw(d.id), "cost": int64(18000), "currency": "CNY", "status": "wanted"}))
	if d.fate == "returned" {
		sent, got := b.workTime(at.AddDate(0, 0, 1)), b.workTime(at.AddDate(0, 0, 4))
		b.write(b.clerkB, b.m.Centre, sent, update("return_shipment", shipment,
			map[string]any{"status": "sent", "carrier": "顺达物流", "sent_at": ms(sent)}, map[string]any{"status": "wanted", "carrier": nil, "sent_at": nil}))
		b.write(b.clerkB, b.m.Centre, got, update("return_shipment", shipment,
			map[string]any{"status": "received", "received_at": ms(got)}, map[string]any{"status": "sent", "received_at": nil}))
	}
	return id
}

// again has the installer take the photograph that was asked for.
func (b *builder) again(d *defect, adjudication uuid.UUID, asked time.Time) time.Time {
	v := *d.visit
	at := b.workTime(asked.Add(b.between(16*time.Hour, 30*time.Hour)))
	v.records = nil
	s := d.shot(scene.Full, v.job.item.category == "wardrobe")
	s.retakeOf = adjudication
	b.photo(&v, s, at)
	v.record(at.Add(time.Minute), update("defect", d.id, map[string]any{"status": "submitted"}, map[string]any{"status": "retake"}))
	b.step(Step{At: at.Add(4 * time.Minute), Push: &Push{Phone: v.phone, Records: v.records}})
	return b.workTime(at.Add(b.between(3*time.Hour, 9*time.Hour)))
}

// verdict writes a final verdict with its split of responsibility.
func (b *builder) verdict(d *defect, by *Person, at time.Time) {
	who, remedy := d.fate, "remake"
	if who == "retaken" || who == "returned" {
		who = "hq"
	}
	parties := map[string][2]string{"hq": {"工厂", "物流部"}, "store": {"商场设计员", "安装组"}, "customer": {"顾客", "商场"}, "carrier": {"承运方", "仓库"}}[who]
	percent := int64(100)
	if b.chance(0.5) {
		percent = 10 * int64(6+b.rng.IntN(4))
	}
	shares := []ledger.Edit{insert("responsibility", b.id(at), map[string]any{"party": parties[0], "percent": percent, "reason": "照片与图纸核对"})}
	if percent < 100 {
		shares = append(shares, insert("responsibility", b.id(at), map[string]any{"party": parties[1], "percent": 100 - percent, "reason": "未及时反映"}))
	}
	if who == "customer" {
		remedy = "none"
	}
	b.adjudication(d, by, at, map[string]any{
		"verdict": who, "remedy": remedy, "reason": "全景与局部一致,问题清楚,按责任划分处理", "text_store": "请按重做单下单,注明封边材料",
		"text_customer": "经总部判定,将为您重新制作该部件,预计十五天。",
	}, "judged", shares...)
	if at.Before(b.now) {
		d.judged = at
	}
}
