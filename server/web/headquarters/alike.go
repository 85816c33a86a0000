package headquarters

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"siteledger/server/fault"
	"siteledger/server/office"
	"siteledger/server/report"
	"siteledger/server/web"
)

// A fault of a batch shows in many kitchens at once. The queue marks cases whose
// class and product are alike, and the page of one offers to judge those that
// somebody ticks with the same verdict.

const (
	alikeRead  = 200 // longest waiting cases of a class that are compared
	alikeShown = 8
)

// alikeView is the other waiting cases of the same class and product.
type alikeView struct {
	Total    int
	Together bool // they may be judged with this one
	Lines    []alikeLine
}

type alikeLine struct {
	report.Waiting
	Link   string
	Value  string // names it in the form
	Ticked bool
}

// fillAlike finds the waiting cases that may be of the same batch.
func (d *Door) fillAlike(c *web.Context, p *DefectPage, material, model string) error {
	batch := report.Batch(material, model)
	if batch == "" || p.Appeal {
		return nil
	}
	class := p.Defect.Text("class")
	all, err := d.cfg.Files.Waiting(c.Context(), class, alikeRead)
	if err != nil {
		return err
	}
	p.Alike.Together = p.Open && office.MayTogether(class)
	ticked := c.Forms("also")
	for _, w := range all {
		if report.Batch(w.Material, w.Model) != batch || w.Place.ID == p.Defect.ID && w.Place.Centre == p.Centre {
			continue
		}
		p.Alike.Total++
		if len(p.Alike.Lines) < alikeShown {
			value := alikeValue(w)
			p.Alike.Lines = append(p.Alike.Lines, alikeLine{Waiting: w, Link: defectLink(w.Place.Centre, w.Place.ID, p.State), Value: value, Ticked: slices.Contains(ticked, value)})
		}
	}
	return nil
}

func alikeValue(w report.Waiting) string {
	return w.Place.Centre.String() + "." + w.Place.ID.String() + "." + strconv.FormatUint(w.Rev, 10)
}

// alsoForm reads the ticked cases. What names none is Invalid; a case that
// another adjudicator has open is left out, and counted.
func (d *Door) alsoForm(c *web.Context) (also []office.Alike, open int, err error) {
	fields := c.Forms("also")
	if len(fields) == 0 {
		return nil, 0, nil
	}
	others, err := d.claimed(c)
	if err != nil {
		return nil, 0, err
	}
	for _, text := range fields {
		parts := strings.Split(text, ".")
		if len(parts) != 3 {
			return nil, 0, fault.New(fault.Invalid, "judge.alike-bad")
		}
		centre, err1 := uuid.Parse(parts[0])
		defect, err2 := uuid.Parse(parts[1])
		base, err3 := strconv.ParseUint(parts[2], 10, 63)
		if err := cmp.Or(err1, err2, err3); err != nil {
			return nil, 0, fault.Wrap(fault.Invalid, "judge.alike-bad", err)
		}
		if _, taken := others[report.DefectPlace{Centre: centre, ID: defect}]; taken {
			open++
			continue
		}
		also = append(also, office.Alike{Centre: centre, Defect: defect, Base: base})
	}
	return also, open, nil
}

// markAlike counts for each case of a page of the queue those that may be of
// the same batch. It asks once for each class.
func (d *Door) markAlike(c *web.Context, lines []line) error {
	count := map[string]map[string]int{}
	for i := range lines {
		l := &lines[i]
		batch, class := report.Batch(l.Material, l.Model), l.Defect.Text("class")
		if batch == "" || l.Status != "submitted" {
			continue
		}
		if count[class] == nil {
			all, err := d.cfg.Files.Waiting(c.Context(), class, alikeRead)
			if err != nil {
				return err
			}
			count[class] = map[string]int{}
			for _, w := range all {
				count[class][report.Batch(w.Material, w.Model)]++
			}
		}
		if n := count[class][batch]; n > 1 {
			l.Alike = n - 1
		}
	}
	return nil
}
