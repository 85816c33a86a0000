package app_test

import (
	"context"
	"testing"

	"siteledger/server/ledger"
	"siteledger/syncproto/changelog"
	"siteledger/syncproto/schema"

	"github.com/google/uuid"
)

// TestHeadquartersHearsOfEachCentre: the queue of defects is live at
// headquarters too.
func TestHeadquartersHearsOfEachCentre(t *testing.T) {
	a := start(t, t.TempDir())
	ctx := context.Background()
	hq, err := a.Headquarters(ctx)
	if err != nil {
		t.Fatal(err)
	}
	streams, err := a.Store.Streams(ctx)
	if err != nil {
		t.Fatal(err)
	}
	pokes, cancel := a.Feed.Subscribe(hq)
	defer cancel()
	for _, s := range streams {
		if s.Headquarters {
			continue
		}
		_, err := a.Ledger.Write(ctx, s.ID, ledger.Author{Role: schema.Server}, []ledger.Edit{{Table: "community", Row: uuid.Must(uuid.NewV7()), Op: changelog.Insert, Cols: map[string]any{"name": "翠湖"}}})
		if err != nil {
			t.Fatal(err)
		}
		select {
		case <-pokes:
		default:
			t.Error("headquarters was not told")
		}
	}
}
