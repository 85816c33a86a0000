package headquarters_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"siteledger/server/ledger"
	"siteledger/server/office/benchtest"
	"siteledger/server/report"
	"siteledger/server/store/storetest"
)

const (
	longQueue    = 10_000
	longPast     = 1_000                 // judged cases of the same class
	nextCaseMore = 60 * time.Millisecond // that a long queue may add to three times a short one's

	// PostgreSQL plans without statistics what was filled in a moment ago, until
	// its own upkeep, which works beside the test, has looked at the tables.
	nextCaseMorePG = 500 * time.Millisecond
)

// fillQueue writes cases through the ledger: those at the head of the queue
// whole, with job, product, photos and files; of the many behind them the
// defect, which is what the queue itself is made of, twenty to a job.
func fillQueue(d *desk, queue, past, whole int) {
	d.Helper()
	centres := []uuid.UUID{d.Centre, d.Other}
	edits := map[uuid.UUID][]ledger.Edit{}
	jobs := map[uuid.UUID]uuid.UUID{}
	flush := func(c uuid.UUID, at int) {
		if len(edits[c]) >= at {
			d.Write(c, benchtest.System(), edits[c]...)
			edits[c] = nil
		}
	}
	for i := range queue + past {
		c := centres[i%2]
		job, item, defect := jobs[c], benchtest.NewID(), benchtest.NewID()
		status := "submitted"
		if i >= queue {
			status = "judged"
		}
		add := func(table string, id uuid.UUID, cols map[string]any) {
			edits[c] = append(edits[c], benchtest.Insert(table, id, cols))
		}
		if i < whole || i%40 < 2 || job == uuid.Nil {
			job = benchtest.NewID()
			jobs[c] = job
			add("job", job, map[string]any{"kind": "aftersale", "status": "finished", "asked_work": "门板色差", "intake_at": d.Now.UnixMilli(), "warranty": "out", "job_no": fmt.Sprintf("S%05d", i), "contract_no": fmt.Sprintf("HT-%05d", i)})
		}
		add("defect", defect, map[string]any{"job": job[:], "class": "door_colour", "text": "门板偏黄", "status": status, "item": item[:]})
		if i < whole || i >= queue {
			add("job_item", item, map[string]any{"job": job[:], "category": "kitchen", "material": fmt.Sprint("模压门板 ", i%7), "store": "城东商场"})
		}
		if i >= queue {
			adj := benchtest.NewID()
			add("adjudication", adj, map[string]any{"defect": defect[:], "verdict": "hq", "remedy": "remake", "reason": "批次色差", "adjudicator": d.Second.Person[:], "at": d.Now.UnixMilli()})
		}
		for k, role := range []string{"full", "close"} {
			if i >= whole {
				break
			}
			original, preview := benchtest.Sum(fmt.Sprint("original", i, k)), benchtest.Sum(fmt.Sprint("preview", i, k))
			add("photo", benchtest.NewID(), map[string]any{"job": job[:], "defect": defect[:], "role": role, "original": original, "original_size": int64(3_600_000), "original_type": "image/jpeg",
				"preview": preview, "preview_size": int64(20000), "taken_at": d.Now.UnixMilli(), "source": "camera", "same_plane": true})
			for _, sha := range [][]byte{original, preview} {
				phone := benchtest.NewID()
				add("stored_blob", benchtest.NewID(), map[string]any{"sha256": sha, "size": int64(1000), "type": "image/jpeg", "purpose": "photo", "device": phone[:], "at": d.Now.UnixMilli()})
			}
		}
		flush(c, 900)
	}
	for _, c := range centres {
		flush(c, 1)
	}
}

// With ten thousand cases waiting the next one comes as soon as with thirty:
// the verdict is written, the next case found, read and laid out. The best of
// several counts, for a test shares its machine; how long it takes on a quiet
// one is the benchmark's.
func TestNextCaseComesSoonInALongQueue(t *testing.T) {
	d := openDesk(t)
	fillQueue(d, 30, 300, 30)
	short := nextCases(t, d, 30, 5)
	fillQueue(d, longQueue-25, longPast, 0)
	long := nextCases(t, d, longQueue, 9)
	t.Logf("verdict to next page: best %s, median %s, worst %s; of a short queue: best %s", long[0], long[4], long[8], short[0])
	more := nextCaseMore
	if storetest.Turn() == "postgres" {
		more = nextCaseMorePG
	}
	if most := 3*short[0] + more; long[0] > most {
		t.Errorf("the next case takes %s at best, want %s at most", long[0], most)
	}
}

// nextCases judges cases from the head of a queue on, and gives how long each
// took to the page of the next, the shortest first.
func nextCases(t *testing.T, d *desk, waiting, n int) (took []time.Duration) {
	t.Helper()
	_, body, _ := d.ask(t, "adjudicator", "/headquarters/", nil)
	want(t, body, fmt.Sprint("待判定 ", waiting))
	lines, err := d.Store.OpenDefects(t.Context(), report.DefectWindow{Status: "submitted", Limit: 1})
	if err != nil {
		t.Fatal(err)
	}
	form := url.Values{"verdict": {"hq"}, "party": {"总部"}, "percent": {"100"}, "share_reason": {""}, "reason": {"批次色差"}, "remedy": {"remake"}}
	path := fmt.Sprintf("/headquarters/defects/%s/%s", lines[0].Centre, lines[0].Defect.ID)
	for i := range n {
		begun := time.Now()
		code, _, h := d.ask(t, "adjudicator", path+"/verdict", form)
		path = h.Get("Location")
		code2, page, _ := d.ask(t, "adjudicator", path, nil)
		took = append(took, time.Since(begun))
		if code != http.StatusSeeOther || code2 != http.StatusOK {
			t.Fatalf("verdict %d, page %d", code, code2)
		}
		want(t, page, fmt.Sprintf("1 / %d", waiting-1-i), "近 200 例")
	}
	slices.Sort(took)
	return took
}
