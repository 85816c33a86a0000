package phone

import (
	"math"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"siteledger/client-sdk/phone/picture"
	"siteledger/syncproto/fieldwork"
	"siteledger/syncproto/schema"
)

// What a technician answers to whether photos and arrivals get a position.
const (
	placesYes = "yes"
	placesNo  = "no"
)

// lastFix is the newest position of this phone. It is kept in memory alone and
// each one takes the place of the one before: there is no trail to leave behind.
type lastFix struct {
	mu   sync.Mutex
	at   fieldwork.Place // Fix is 0 where there is none
	host bool            // the shell of the phone gave it, not the web view
}

// set takes a fix. One of the web view does not push out what the shell said:
// only the shell knows that a position is made up.
func (l *lastFix) set(p fieldwork.Place, host bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !host && l.host && p.Fix-l.at.Fix < fieldwork.FixAge {
		return
	}
	l.at, l.host = p, host
}

// near is the fix, where it was measured at most age milliseconds from a time
// and not before floor.
func (l *lastFix) near(at, floor, age int64) (fieldwork.Place, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	p := l.at
	return p, p.Fix > 0 && p.Fix >= floor && max(at-p.Fix, p.Fix-at) <= age
}

func (l *lastFix) forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.at, l.host = fieldwork.Place{}, false
}

// WantsPosition says whether the person of this phone agreed that photos and
// arrivals get a position. A shell asks before it turns the receiver on.
func (a *App) WantsPosition() bool { return a.placesAnswer() == placesYes }

// SetPosition takes a fix of the phone's shell: WGS-84 degrees, the radius in
// metres within which it is two times of three (0: unknown), when it was
// measured, and whether the system says that another app made it up. A fix that
// nobody agreed to, that is old or that no receiver can have measured is
// dropped. It is never written down but as part of a photo or an arrival.
func (a *App) SetPosition(lat, lon, metres float64, at time.Time, mocked bool) {
	a.setFix(lat, lon, metres, at, mocked, true)
}

func (a *App) setFix(lat, lon, metres float64, at time.Time, mocked, host bool) {
	now := a.now()
	if age := now.Sub(at); !a.WantsPosition() || age < -time.Minute || age.Milliseconds() > fieldwork.FixAge {
		return
	}
	p := fieldwork.Place{Fix: at.UnixMilli(), Mocked: mocked}
	if metres > 0 && metres <= 1_000_000 {
		p.Accuracy = int64(math.Ceil(metres))
	}
	if p, ok := p.At(lat, lon); ok {
		a.fix.set(p, host)
	}
}

// placesAnswer is what this phone's person answered; empty where he was not
// asked yet. Another person on the same phone is asked anew.
func (a *App) placesAnswer() string {
	id, ok := a.client.Identity()
	if f := a.settings.get(); ok && id.Person != uuid.Nil && f.PlacesBy == id.Person.String() {
		return f.Places
	}
	return ""
}

// setPlaces serves POST /me/place: the answer, which may be changed at any time.
func setPlaces(q *ask) error {
	answer := q.field("answer", 10)
	if answer != placesYes && answer != placesNo {
		return no("wrong.form")
	}
	if answer == placesNo {
		q.app.fix.forget()
	}
	err := q.app.settings.update(func(f *settingsFile) { f.Places, f.PlacesBy = answer, q.me().String() })
	if err != nil {
		return err
	}
	back := "/me"
	if b := q.field("back", 300); strings.HasPrefix(b, "/job/") {
		back = b
	}
	return q.to(back, "place_"+answer)
}

// newPosition serves POST /position: a fix of the web view, age in milliseconds.
func newPosition(q *ask) error {
	var n [4]float64
	for i, name := range []string{"lat", "lon", "metres", "age"} {
		v, err := strconv.ParseFloat(q.field(name, 40), 64)
		if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
			return no("wrong.form")
		}
		n[i] = v
	}
	if n[3] >= 0 && n[3] <= fieldwork.FixAge {
		q.app.setFix(n[0], n[1], n[2], q.now().Add(-time.Duration(n[3])*time.Millisecond), false, false)
	}
	q.done = true
	q.w.WriteHeader(http.StatusNoContent)
	return nil
}

// photoPlace adds to a photo's columns where it was taken: by the phone's last
// fix, where that was not measured on the way there, else by the file. Of a
// photo that was not taken just now the file alone can know.
func (q *ask) photoPlace(f *jobFile, cols map[string]any, spot *picture.Spot) {
	if !q.app.WantsPosition() {
		return
	}
	taken, _ := cols["taken_at"].(int64)
	floor := int64(0)
	if f.Visit != nil {
		for _, e := range f.Visit.Events {
			if e.Text("kind") == "arrive" {
				floor = e.Int("at") - fieldwork.ArrivalAge
			}
		}
	}
	if p, ok := q.app.fix.near(taken, floor, fieldwork.FixAge); ok && cols["source"] == "camera" {
		lay(cols, p)
		cols["fix_source"] = "device"
		return
	}
	if spot == nil {
		return
	}
	p := fieldwork.Place{Accuracy: spot.Metres}
	if !spot.At.IsZero() {
		p.Fix = spot.At.UnixMilli()
	}
	if p, ok := p.At(spot.Lat, spot.Lon); ok {
		lay(cols, p)
		cols["fix_source"] = "exif"
	}
}

// arrivalPlace adds to an arrival's columns where it was.
func (q *ask) arrivalPlace(cols map[string]any) map[string]any {
	at, _ := cols["at"].(int64)
	if p, ok := q.app.fix.near(at, 0, fieldwork.ArrivalAge); ok && q.app.WantsPosition() {
		lay(cols, p)
	}
	return cols
}

func lay(cols map[string]any, p fieldwork.Place) {
	for name, v := range p.Columns() {
		cols[name] = v
	}
}

// placed says in words that a row has a position, and how far it may be off.
func (q *ask) placed(row schema.Row) string {
	p, ok := fieldwork.PlaceOf(row)
	switch {
	case !ok:
		return ""
	case p.Accuracy == 0:
		return q.valueOf("photo", "fix_source", row.Text("fix_source"))
	}
	return q.valueOf("photo", "fix_source", row.Text("fix_source")) + " · ±" + strconv.FormatInt(p.Accuracy, 10) + " m"
}
