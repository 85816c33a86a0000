package fieldwork

import (
	"slices"

	"github.com/google/uuid"

	"siteledger/syncproto/schema"
)

// names says whether a change itself writes one of the columns; an insert
// writes them all.
func names(w Written, cols ...string) bool {
	return w.Op == opInsert || slices.ContainsFunc(cols, func(c string) bool { _, ok := w.Cols[c]; return ok })
}

// row reads a row as it is at the end of the transaction.
func (g *guard) row(table string, id uuid.UUID) (schema.Row, bool, error) {
	if i, ok := g.final(key{table, id}); ok {
		return g.txn[i].After, g.txn[i].Op != opDelete, nil
	}
	row, ok, err := g.reader.Row(table, id)
	return row, ok && !row.Deleted, err
}

// children reads a parent's rows as they are before the write at index before:
// what the transaction wrote earlier counts, what it inserts later does not,
// even where the reader already shows it.
func (g *guard) children(table, column string, parent uuid.UUID, before int) ([]schema.Row, error) {
	stored, err := g.reader.Children(table, column, parent)
	if err != nil {
		return nil, err
	}
	earlier, later := map[uuid.UUID]schema.Row{}, map[uuid.UUID]bool{}
	var order []uuid.UUID
	for i, w := range g.txn {
		switch {
		case w.Table != table:
		case i >= before:
			later[w.ID] = later[w.ID] || w.Op == opInsert
		default:
			row := w.After
			row.Deleted = row.Deleted || w.Op == opDelete
			if _, ok := earlier[w.ID]; !ok {
				order = append(order, w.ID)
			}
			earlier[w.ID] = row
		}
	}
	var out []schema.Row
	for _, row := range stored {
		if _, ok := earlier[row.ID]; !ok && !later[row.ID] && !row.Deleted {
			out = append(out, row)
		}
	}
	for _, id := range order {
		if row := earlier[id]; !row.Deleted && row.UUID(column) == parent {
			out = append(out, row)
		}
	}
	return out, nil
}
