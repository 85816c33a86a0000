package fieldwork

import (
	"slices"

	"siteledger/syncproto/schema"
)

// Stage is when in a visit a photo is taken.
type Stage string

// The stages of a visit (DE-09).
const (
	AtArrival Stage = "arrival"
	AtWork    Stage = "work"
	AtFinish  Stage = "finish"
)

// Roles of the photos of an ordinary visit, as in the schema.
const (
	RoleEntrance  = "entrance"
	RoleNameplate = "nameplate"
	RoleBefore    = "before"
	RoleDuring    = "during"
	RoleAfter     = "after"
	RoleWarranty  = "warranty"
)

// Shot is one place of a visit's shot list: a role, and what to take.
type Shot struct {
	Stage Stage
	Role  string
	ZH    string
	EN    string
}

// In gives what to take in a language, Chinese for anything but "en".
func (s Shot) In(lang string) string { return schema.Label{ZH: s.ZH, EN: s.EN}.In(lang) }

// ShotList is what is photographed on an ordinary visit of a kind of job
// (DE-09), in the order of work: where it was and how it was found, what was
// done, and behind it the whole and the detail. Each shot may be left out with a
// reason. Nil for a kind that has no visit.
func ShotList(kind string) []Shot {
	var (
		entrance  = Shot{AtArrival, RoleEntrance, "入户门或门牌,看得出是这一家", "The entrance or door number"}
		nameplate = Shot{AtArrival, RoleNameplate, "设备铭牌,型号和编号看得清", "The nameplate with model and number readable"}
		before    = Shot{AtArrival, RoleBefore, "动手前的样子,原有的损坏,周边容易碰到的地方", "As it was found: damage that was there, and what stands around"}
		site      = Shot{AtArrival, RoleBefore, "安装前的墙面、地面、水电位,原有的损坏", "Wall, floor, water and power before the work, and damage that was there"}
		during    = Shot{AtWork, RoleDuring, "做的时候:换下来的件、装到一半的样子", "While it is done: the part taken out, the half-fitted state"}
		after     = Shot{AtFinish, RoleAfter, "完工后能看出整体位置的一张", "When it is done: one that shows the whole place"}
		detail    = Shot{AtFinish, RoleClose, "完工后的细节一张", "When it is done: one of the detail"}
		warranty  = Shot{AtFinish, RoleWarranty, "填好的保修卡", "The warranty card, filled in"}
		parcel    = Shot{AtArrival, RoleBefore, "外包装和标签,没拆之前", "Package and label before it is opened"}
		damage    = Shot{AtWork, RoleClose, "碰坏的地方", "The place that is damaged"}
		whole     = Shot{AtWork, RoleFull, "整件货,看得出碰坏在哪里", "The whole piece, with the damaged place"}
	)
	switch kind {
	case "install":
		return []Shot{entrance, site, during, after, detail, warranty}
	case "maintain":
		return []Shot{nameplate, before, after}
	case "transit":
		return []Shot{parcel, whole, damage}
	case "inspect":
		return []Shot{entrance, whole, {AtWork, RoleClose, "评分不到的地方", "What loses points"}}
	case "expedite":
		return nil
	}
	return []Shot{entrance, nameplate, before, during, after, detail} // aftersale, repair, and what comes later
}

// ShotState is one place of a list and what became of it.
type ShotState struct {
	Shot
	Photos int    // of this role and visit, of no defect
	Reason string // why it was left out; "" where none was given
}

// Missing says that neither a photo nor a reason is there.
func (s ShotState) Missing() bool { return s.Photos == 0 && s.Reason == "" }

// ShotsOf holds a visit against the list of its kind of job. photos may be all
// photos of the job, skips all shot_skip rows of it; those of the visit count,
// the newest reason of a role. A photo that belongs to a defect also shows what
// the visit looked like; what counts is its role.
func ShotsOf(kind string, visit schema.Row, photos, skips []schema.Row) []ShotState {
	list := ShotList(kind)
	out := make([]ShotState, len(list))
	for i, s := range list {
		out[i].Shot = s
		for _, p := range photos {
			if !p.Deleted && p.UUID("visit") == visit.ID && p.Text("role") == s.Role {
				out[i].Photos++
			}
		}
		out[i].Reason = skipReason(skips, schema.Row{}, visit, s.Role)
	}
	return out
}

// MissingShots are the places of a list without photo and reason.
func MissingShots(kind string, visit schema.Row, photos, skips []schema.Row) []ShotState {
	return slices.DeleteFunc(ShotsOf(kind, visit, photos, skips), func(s ShotState) bool { return !s.Missing() })
}

// skipReason is the newest reason why a role was left out, of a visit or of a
// defect.
func skipReason(skips []schema.Row, defect, visit schema.Row, role string) string {
	var newest schema.Row
	reason := ""
	for _, s := range skips {
		if s.Deleted || s.Text("role") != role || s.UUID("defect") != defect.ID || visit.Table != "" && s.UUID("visit") != visit.ID {
			continue
		}
		if reason == "" || slices.Compare(s.ID[:], newest.ID[:]) > 0 {
			newest, reason = s, s.Text("reason")
		}
	}
	return reason
}
