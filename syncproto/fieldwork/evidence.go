package fieldwork

import (
	"slices"
	"strings"
	"unicode"

	"siteledger/syncproto/schema"
)

// Classes of a defect (DE-01) and roles of a photo (DE-02), as in the schema.
const (
	TopCrack   = "top_crack"
	TopWarp    = "top_warp"
	TopColour  = "top_colour"
	DoorWarp   = "door_warp"
	DoorColour = "door_colour"
	DoorCrack  = "door_crack"
	WrongSize  = "wrong_size"
	OtherClass = "other"

	RoleFull    = "full"
	RoleClose   = "close"
	RoleCompare = "compare"
	RoleScale   = "scale"
)

// MinTextRunes is how many letters or digits the text of a defect has at least
// (DE-07; the number is a guess).
const MinTextRunes = 4

// MinSharpness is the sharpness below which a colour photo is doubted that was
// measured by a phone of schema version 1 (DE-05; variance of the Laplacian of
// the preview, the number is a guess).
const MinSharpness = 100

// Pack is the rule pack of one class of defect: what must be there before the
// defect may be submitted, and what is only advised.
type Pack struct {
	Class          string
	Roles          []string // photo roles that must be there
	Advised        []string // photo roles whose absence is only a warning
	SamePlane      bool     // a photo must be confirmed as one plane (DE-05)
	SamePlaneRoles []string // only photos of these roles count; empty: any
	Sizes          bool     // drawing and produced size (DE-06)
	Whole          bool     // a photo should be confirmed as the whole crack (DE-04)
}

// PackOf gives the pack of a class. An unknown class gets the strictest photo
// rule of all classes, a full view and a close-up, never none.
func PackOf(class string) Pack {
	p := Pack{Class: class, Roles: []string{RoleFull, RoleClose}}
	switch class {
	case TopCrack, DoorCrack:
		p.Whole, p.Advised = true, []string{RoleScale}
	case TopColour:
		p.SamePlane, p.SamePlaneRoles = true, []string{RoleCompare, RoleFull}
	case DoorColour:
		p.SamePlane = true
	case WrongSize:
		p.Sizes, p.Advised = true, []string{RoleScale}
	case OtherClass:
		p.Roles = []string{RoleClose}
	}
	return p
}

// MissingEvidence says what a defect still lacks before it may be submitted
// (DE-01 to DE-07), in the order in which it is best mended; nil when it may
// be. photos may be all photos of the job: only those that name this defect and
// its job count, whatever their bytes' state of upload.
func MissingEvidence(defect schema.Row, photos []schema.Row) []Missing {
	own := photosOf(defect, photos)
	pack := PackOf(defect.Text("class"))
	var out []Missing
	for _, role := range pack.Roles {
		if !hasRole(own, role) {
			out = append(out, missingRole(pack.Class, role))
		}
	}
	if pack.SamePlane && !hasSamePlane(own, pack.SamePlaneRoles) {
		out = append(out, missingSamePlane(pack.Class))
	}
	if pack.Sizes {
		out = append(out, missingSizes(defect)...)
	}
	if !Concrete(defect.Text("text")) {
		out = append(out, Missing{"text",
			"请写清具体是什么问题(至少4个字,不能只写“质量问题”),例如:左起第二块门板比旁边偏黄。",
			"Write what exactly is wrong (at least 4 characters, not just “quality problem”), for example: second door panel from the left is yellower than its neighbour."})
	}
	return out
}

// Wanted says what the phone asks for before a defect goes to the judge, and
// lets go for a reason: that one photo shows the whole crack (DE-04), that the
// tape measure is in a photo of a wrong size (DE-06). skips are the shot_skip
// rows of the job. The server takes a submission without: evidence of older
// phones, or with a reason, is a warning there and no refusal.
func Wanted(defect schema.Row, photos, skips []schema.Row) []Missing {
	var out []Missing
	for _, w := range lacks(defect, photos) {
		if skipReason(skips, defect, schema.Row{}, w.role) == "" {
			out = append(out, w.Missing)
		}
	}
	return out
}

// WantedRoles are the roles under which a reason for what [Wanted] asks is
// recorded, by its code.
func WantedRoles() map[string]string {
	return map[string]string{"whole": RoleClose, "tape": RoleScale}
}

// lack is something wanted and the role of the photo that would show it.
type lack struct {
	Missing
	role string
}

func lacks(defect schema.Row, photos []schema.Row) []lack {
	own := photosOf(defect, photos)
	pack := PackOf(defect.Text("class"))
	var out []lack
	if pack.Whole && !slices.ContainsFunc(own, func(p schema.Row) bool { return p.Bool("whole") }) {
		out = append(out, lack{missingWhole(), WantedRoles()["whole"]})
	}
	if pack.Sizes && !hasRole(own, RoleScale) {
		out = append(out, lack{adviseScale(pack.Class), WantedRoles()["tape"]})
	}
	return out
}

// Warnings says what would make the evidence better without being required:
// a scale beside a crack or a wrong size (DE-04, DE-06), a blurred colour
// photo (DE-05), equal sizes, pictures from the gallery.
func Warnings(defect schema.Row, photos []schema.Row) []Missing {
	own := photosOf(defect, photos)
	pack := PackOf(defect.Text("class"))
	var out []Missing
	for _, w := range lacks(defect, photos) {
		out = append(out, w.Missing)
	}
	if len(pack.Advised) > 0 && !pack.Sizes && !hasRole(own, RoleScale) {
		out = append(out, adviseScale(pack.Class))
	}
	if d := defect.Int("drawing_size"); pack.Sizes && d > 0 && d == defect.Int("actual_size") {
		out = append(out, Missing{"sizes-equal",
			"图纸尺寸和现生产尺寸一样,请核对后再提交。",
			"The drawing size and the produced size are the same; please check them."})
	}
	for _, p := range own {
		if pack.SamePlane && Unsharp(p) {
			out = append(out, Missing{"blur",
				"有一张色差照片不够清晰,建议擦净镜头、站稳后重拍。",
				"A colour photo is not sharp; wipe the lens, stand still and take it again if you can."})
			break
		}
	}
	for _, p := range own {
		if p.Text("source") == "gallery" {
			out = append(out, Missing{"gallery",
				"有照片来自相册,会标为“非现场拍摄”。",
				"A photo comes from the gallery and is marked “not taken on the spot”."})
			break
		}
	}
	return out
}

// Concrete says whether a text describes a defect at all (DE-07): enough
// letters or digits, and not only a phrase that says nothing.
func Concrete(text string) bool {
	bare := strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsNumber(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, text)
	if len([]rune(bare)) < MinTextRunes {
		return false
	}
	switch strings.TrimPrefix(bare, "有") {
	case "质量问题", "产品质量问题", "品质问题", "存在质量问题", "質量問題", "qualityproblem", "qualityproblems", "qualityissue", "qualityissues":
		return false
	}
	return true
}

// photosOf keeps the photos that name the defect and lie in its job.
func photosOf(defect schema.Row, photos []schema.Row) []schema.Row {
	var own []schema.Row
	for _, p := range photos {
		if !p.Deleted && p.UUID("defect") == defect.ID && p.UUID("job") == defect.UUID("job") {
			own = append(own, p)
		}
	}
	return own
}

func hasRole(photos []schema.Row, role string) bool {
	for _, p := range photos {
		if p.Text("role") == role {
			return true
		}
	}
	return false
}

func hasSamePlane(photos []schema.Row, roles []string) bool {
	for _, p := range photos {
		if !p.Bool("same_plane") {
			continue
		}
		if len(roles) == 0 {
			return true
		}
		for _, role := range roles {
			if p.Text("role") == role {
				return true
			}
		}
	}
	return false
}
