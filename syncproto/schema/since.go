package schema

import (
	"fmt"
	"slices"
)

// LaterValue says with which version a value came, and what a reader of an
// earlier one is shown instead; empty for no value at all.
type LaterValue struct {
	Since   int    `json:"since"`
	Instead string `json:"instead,omitempty"`
}

// KnownAt says whether a reader of a version knows the table.
func (t *Table) KnownAt(version int) bool { return t.Since <= version }

// KnownAt says whether a reader of a version, who knows the table, knows the
// column.
func (c *Column) KnownAt(version int) bool { return c.Since <= version }

// RequiredAt says whether an insert written with a version must name the
// column: what an app did not know it could not fill in (promise P9).
func (c *Column) RequiredAt(version int) bool { return c.Required && c.KnownAt(version) }

// ValueAt is what a reader of a version is given for a value: the value, or
// where it came later what stands for it, or nil.
func (c *Column) ValueAt(v Value, version int) Value {
	if len(c.LaterValues) == 0 {
		return v
	}
	// What stands for a value may itself be too new. Each step is an earlier
	// value, so this ends.
	for range len(c.LaterValues) {
		s, ok := v.(string)
		later, is := c.LaterValues[s]
		if !ok || !is || later.Since <= version {
			return v
		}
		if later.Instead == "" {
			return nil
		}
		v = later.Instead
	}
	return v
}

// Successor says why next may not follow old, nil where it may. A version only
// ever adds: nothing is removed, no type, rule or writer changes, no bound is
// narrowed, columns and values are added behind those that are there, and each
// addition says the version that it came with.
func Successor(old, next *Descriptor) error {
	if next.Version != old.Version+1 {
		return fmt.Errorf("version %d does not follow %d", next.Version, old.Version)
	}
	if next.Rules < old.Rules {
		return fmt.Errorf("rules %d are older than %d", next.Rules, old.Rules)
	}
	for _, r := range old.Roles {
		if !slices.Contains(next.Roles, r) {
			return fmt.Errorf("role %s is gone", r)
		}
	}
	for _, t := range old.Tables {
		n := next.Table(t.Name)
		if n == nil {
			return fmt.Errorf("table %s is gone", t.Name)
		}
		if err := tableFollows(t, n, next.Version); err != nil {
			return err
		}
	}
	for _, t := range next.Tables {
		if old.Table(t.Name) == nil && t.Since != next.Version {
			return fmt.Errorf("table %s is new and says that it came with %d", t.Name, t.Since)
		}
	}
	return nil
}

func tableFollows(old, next *Table, version int) error {
	switch {
	case old.Parent != next.Parent || old.ParentColumn != next.ParentColumn || old.Root != next.Root:
		return fmt.Errorf("table %s hangs from elsewhere", old.Name)
	case old.Rule != next.Rule || (old.Delete && !next.Delete):
		return fmt.Errorf("table %s has another rule", old.Name)
	case old.Since != next.Since:
		return fmt.Errorf("table %s came with %d, not %d", old.Name, old.Since, next.Since)
	case !covers(next.Writers, old.Writers):
		return fmt.Errorf("table %s has lost a writer", old.Name)
	case len(next.Columns) < len(old.Columns):
		return fmt.Errorf("table %s has lost a column", old.Name)
	}
	for i, c := range old.Columns {
		if err := columnFollows(c, next.Columns[i], version); err != nil {
			return fmt.Errorf("column %s.%s: %w", old.Name, c.Name, err)
		}
	}
	for _, c := range next.Columns[len(old.Columns):] {
		if c.Since != version {
			return fmt.Errorf("column %s.%s is new and says that it came with %d", old.Name, c.Name, c.Since)
		}
	}
	return nil
}

func columnFollows(old, next *Column, version int) error {
	switch {
	case old.Name != next.Name:
		return fmt.Errorf("%s stands in its place", next.Name)
	case old.Type != next.Type || old.Rule != next.Rule || old.Purpose != next.Purpose || old.Ref != next.Ref || old.Currency != next.Currency:
		return fmt.Errorf("has another type, rule or meaning")
	case old.Since != next.Since:
		return fmt.Errorf("came with %d, not %d", old.Since, next.Since)
	case next.Required && !old.Required:
		return fmt.Errorf("is required now")
	case next.Max != 0 && (old.Max == 0 || next.Max < old.Max):
		return fmt.Errorf("holds less than before")
	case next.Min != nil && (old.Min == nil || *next.Min > *old.Min):
		return fmt.Errorf("begins higher than before")
	case len(old.Writers) == 0 != (len(next.Writers) == 0) || !covers(next.Writers, old.Writers):
		return fmt.Errorf("has lost a writer")
	case len(old.Readers) == 0 != (len(next.Readers) == 0) || !covers(next.Readers, old.Readers):
		return fmt.Errorf("has lost a reader")
	case (len(old.Values) == 0) != (len(next.Values) == 0) || len(next.Values) < len(old.Values) || !slices.Equal(next.Values[:len(old.Values)], old.Values):
		return fmt.Errorf("has lost a value, or its values stand in another order")
	}
	for _, s := range old.Transitions {
		if !slices.ContainsFunc(next.Transitions, func(n Transition) bool { return n.From == s.From && n.To == s.To && covers(n.Writers, s.Writers) }) {
			return fmt.Errorf("the step from %s to %s is gone", s.From, s.To)
		}
	}
	return valuesFollow(old, next, version)
}

// valuesFollow checks the values that were added: an earlier reader needs
// another one in a column that is never empty.
func valuesFollow(old, next *Column, version int) error {
	for v, l := range old.LaterValues {
		if next.LaterValues[v] != l {
			return fmt.Errorf("value %s has changed what stands for it", v)
		}
	}
	for v := range next.LaterValues {
		if !slices.Contains(next.Values, v) {
			return fmt.Errorf("%s is no value", v)
		}
		if _, was := old.LaterValues[v]; !was && slices.Contains(old.Values, v) {
			return fmt.Errorf("value %s was there before", v)
		}
	}
	for _, v := range next.Values[len(old.Values):] {
		l := next.LaterValues[v]
		switch {
		case l.Since != version:
			return fmt.Errorf("value %s is new and says that it came with %d", v, l.Since)
		case l.Instead == "" && next.Required:
			return fmt.Errorf("value %s has nothing that stands for it, and the column is never empty", v)
		case l.Instead != "" && !slices.Contains(old.Values, l.Instead):
			return fmt.Errorf("%s, which stands for %s, is no earlier value", l.Instead, v)
		}
	}
	return nil
}

// covers says whether all of few are in many.
func covers(many, few []Role) bool {
	return !slices.ContainsFunc(few, func(r Role) bool { return !slices.Contains(many, r) })
}
