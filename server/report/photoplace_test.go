package report_test

import (
	"fmt"
	"testing"

	"github.com/google/uuid"

	"siteledger/server/report"
	"siteledger/syncproto/schema"
)

// sited is a job whose rows have places.
type sited struct {
	file  *report.JobFile
	visit uuid.UUID
}

const noon = int64(1_790_000_000_000)

func newSited() *sited {
	s := &sited{file: &report.JobFile{Centre: uuid.New(), Job: uuid.New(), Rows: map[string][]report.FileRow{}}, visit: uuid.New()}
	s.add("visit", s.visit, map[string]any{"started_at": noon - 3_600_000})
	return s
}

func (s *sited) add(table string, id uuid.UUID, cols map[string]any) *report.FileRow {
	row := report.FileRow{Row: schema.Row{Table: table, ID: id, Cols: cols}, Marks: map[string]report.Mark{}}
	s.file.Rows[table] = append(s.file.Rows[table], row)
	return &s.file.Rows[table][len(s.file.Rows[table])-1]
}

// north adds a photo so many metres north of 30° 120°; more columns over it.
func (s *sited) north(metres int64, more map[string]any) uuid.UUID {
	id := uuid.New()
	cols := map[string]any{"role": "full", "source": "camera", "taken_at": noon, "visit": s.visit[:], "latitude": latitude(metres), "longitude": int64(1_200_000_000),
		"accuracy": int64(10), "fix_at": noon - 30_000, "fix_source": "device"}
	for k, v := range more {
		if cols[k] = v; v == nil {
			delete(cols, k)
		}
	}
	s.add("photo", id, cols)
	return id
}

func latitude(metres int64) int64 { return 300_000_000 + metres*10_000_000/111_195 }

func (s *sited) arrive(metres int64, more map[string]any) {
	cols := map[string]any{"visit": s.visit[:], "kind": "arrive", "at": noon - 3_000_000, "latitude": latitude(metres), "longitude": int64(1_200_000_000), "accuracy": int64(8), "fix_at": noon - 3_000_000}
	for k, v := range more {
		cols[k] = v
	}
	s.add("visit_event", uuid.New(), cols)
}

// says is what is said about a photo's place.
func (s *sited) says(id uuid.UUID) string {
	for _, d := range report.PhotoDoubts(s.file, report.PhotoFacts{})[id] {
		switch d.Kind {
		case report.DoubtFar:
			return fmt.Sprintf("far from the %s, %d m", d.From, (d.Metres+50)/100*100)
		case report.DoubtMock:
			return "mock"
		}
	}
	p, ok := report.PhotoPlaces(s.file)[id]
	if !ok {
		return "no place"
	}
	return "near the " + p.From
}

func (s *sited) want(t *testing.T, what string, id uuid.UUID, want string) {
	t.Helper()
	if got := s.says(id); got != want {
		t.Errorf("%s: %s, want %s", what, got, want)
	}
}

// TestPhotoFarFromTheAddress: the office's point comes first, unless the address
// was changed after it.
func TestPhotoFarFromTheAddress(t *testing.T) {
	s := newSited()
	s.arrive(5_000, nil)
	c := s.add("job_contact", uuid.New(), map[string]any{"address": "春江花园 8 幢", "latitude": latitude(0), "longitude": int64(1_200_000_000)})
	c.Marks["address"], c.Marks["latitude"] = report.Mark{Rev: 3}, report.Mark{Rev: 4}
	near, gate, far := s.north(40, nil), s.north(500, nil), s.north(5_010, nil)
	s.want(t, "at home", near, "near the address")
	s.want(t, "at the gate", gate, "near the address")
	s.want(t, "elsewhere", far, "far from the address, 5000 m")
	s.want(t, "elsewhere, by a mast", s.north(4_000, map[string]any{"accuracy": int64(1_200)}), "near the address")
	c.Marks["address"] = report.Mark{Rev: 5}
	s.want(t, "at the old address", near, "far from the arrival, 5000 m")
	s.want(t, "at the new address", far, "near the arrival")
}

// TestPhotoFarFromTheArrival: a mocked arrival bears nothing out, and one fix of
// a mast does not make a doubt.
func TestPhotoFarFromTheArrival(t *testing.T) {
	s := newSited()
	s.arrive(0, nil)
	s.want(t, "at home", s.north(120, nil), "near the arrival")
	s.want(t, "elsewhere", s.north(3_000, nil), "far from the arrival, 3000 m")
	s.want(t, "mock", s.north(10, map[string]any{"mocked": true}), "mock")
	s.want(t, "by a mast", s.north(1_500, map[string]any{"accuracy": int64(900)}), "near the arrival")
	s.want(t, "by the file, without an error", s.north(200, map[string]any{"accuracy": nil, "fix_at": nil, "fix_source": "exif"}), "near the arrival")

	m := newSited()
	m.arrive(0, map[string]any{"mocked": true})
	m.want(t, "with a mocked arrival", m.north(9_000, nil), "near the ")
}

// TestPhotoFarFromTheOthers: of two places nobody knows which is wrong; of three
// the one that stands alone is doubted.
func TestPhotoFarFromTheOthers(t *testing.T) {
	s := newSited()
	a, b := s.north(0, nil), s.north(6_000, nil)
	s.want(t, "one of two", a, "near the ")
	s.want(t, "the other of two", b, "near the ")
	c := s.north(30, nil)
	s.want(t, "one of most", a, "near the others")
	s.want(t, "one of most", c, "near the others")
	s.want(t, "alone", b, "far from the others, 6000 m")
	retake := s.north(8_000, map[string]any{"visit": nil})
	s.want(t, "taken again elsewhere", retake, "far from the others, 2000 m")
}

// TestPlacesNobodyMeasured: what is forged or broken is no place and no doubt,
// and whatever it is, it does not hurt.
func TestPlacesNobodyMeasured(t *testing.T) {
	s := newSited()
	s.arrive(0, nil)
	for name, cols := range map[string]map[string]any{
		"nothing":         {"latitude": nil, "longitude": nil},
		"half":            {"longitude": nil},
		"0/0":             {"latitude": int64(0), "longitude": int64(0)},
		"off the globe":   {"latitude": int64(900_000_001)},
		"far off":         {"longitude": int64(-1 << 63)},
		"a text":          {"latitude": "30.1"},
		"negative radius": {"accuracy": int64(-5)},
		"endless radius":  {"accuracy": int64(1 << 62)},
	} {
		s.want(t, name, s.north(9_000, cols), "no place")
	}
	s.want(t, "a fix of another age", s.north(9_000, map[string]any{"fix_at": int64(-1 << 63), "taken_at": int64(1<<63 - 1)}), "far from the arrival, 9000 m")
	s.want(t, "the other side of the globe", s.north(0, map[string]any{"latitude": int64(-300_000_000), "longitude": int64(-600_000_000)}), "far from the arrival, 20015100 m")
}
