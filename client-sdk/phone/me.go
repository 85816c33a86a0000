package phone

import (
	"fmt"
	"net/http"
	"strings"

	clientsdk "siteledger/client-sdk"
	"siteledger/syncproto"
)

// meData is 我: who this phone is and how it stands.
type meData struct {
	Name, Role, Centre, CentrePhone string
	Device                          string
	Lang                            string
	Status                          clientsdk.Status
	Problem                         string
	HasPIN                          bool
	Places                          string // whether photos get a position: yes, no, or not asked yet
	Unread                          int
}

func mePage(q *ask) error {
	st, err := q.app.client.Status(q.r.Context())
	if err != nil {
		return fmt.Errorf("status: %w", err)
	}
	d := meData{Status: st, Device: st.Identity.Device.String(), Lang: q.lang, HasPIN: len(q.app.settings.get().PINHash) > 0, Places: q.app.placesAnswer()}
	if st.Problem.Code != "" {
		d.Problem = st.Problem.ZH
		if q.lang == langEN {
			d.Problem = st.Problem.EN
		}
	}
	err = q.view(func(v *clientsdk.View) error {
		person, ok, err := v.Row("person", st.Identity.Person)
		if err != nil {
			return err
		}
		if ok {
			d.Name, d.Role = person.Text("name"), q.valueOf("person", "role", person.Text("role"))
		}
		centre, ok, err := v.Row("centre", st.Identity.Centre)
		if err != nil || !ok {
			return err
		}
		d.Centre, d.CentrePhone = centre.Text("name"), centre.Text("phone")
		if q.lang == langEN && centre.Text("name_en") != "" {
			d.Centre = centre.Text("name_en")
		}
		return nil
	})
	if err != nil {
		return err
	}
	return q.show(http.StatusOK, "me", page{Title: q.t("tab.me"), Tab: "me", Body: d})
}

// setLang serves POST /me/lang. It works before enrolment too.
func setLang(q *ask) error {
	lang := q.field("lang", 10)
	if lang != langZH && lang != langEN {
		return no("wrong.form")
	}
	if err := q.app.settings.update(func(f *settingsFile) { f.Lang = lang }); err != nil {
		return err
	}
	if _, ok := q.app.client.Identity(); !ok {
		return q.to("/enrol", "")
	}
	return q.to("/me", "")
}

// setPIN serves POST /me/pin: changing one needs the old one.
func setPIN(q *ask) error {
	if len(q.app.settings.get().PINHash) > 0 {
		ok, wait, err := q.app.settings.checkPIN(halfWidth(q.r.FormValue("old")), q.now())
		if err != nil {
			return err
		}
		if wait > 0 {
			return no("wrong.pin_wait", int(wait.Seconds())+1)
		}
		if !ok {
			return no("wrong.pin")
		}
	}
	pin := halfWidth(q.r.FormValue("pin"))
	if !validPIN(pin) {
		return no("wrong.pin_form")
	}
	if err := q.app.settings.setPIN(pin, q.app.rand); err != nil {
		return err
	}
	return q.to("/me", "pin")
}

// signOutData lists what only this phone has.
type signOutData struct {
	Changes int
	Photos  int
	Bytes   int64
	Jobs    []unsentJob
	Loose   int // photos that no record names: they go with the sign-out
}

type unsentJob struct {
	Where, Who      string
	Changes, Photos int
}

func signOutPage(q *ask) error {
	d, err := q.unsent()
	if err != nil {
		return err
	}
	st, err := q.app.client.Status(q.r.Context())
	if err != nil {
		return fmt.Errorf("status: %w", err)
	}
	d.Loose = len(q.loose(st.Uploads))
	return q.show(http.StatusOK, "leave", page{Title: q.t("leave.title"), Back: "/me", Body: d})
}

// unsent groups the work that the office does not have for sure by its job.
func (q *ask) unsent() (signOutData, error) {
	var d signOutData
	items, err := q.app.client.Unsent(q.r.Context())
	if err != nil {
		return d, fmt.Errorf("unsent: %w", err)
	}
	err = q.view(func(v *clientsdk.View) error {
		t, err := q.loadJobs(v)
		if err != nil {
			return err
		}
		owner, err := blobOwners(v)
		if err != nil {
			return err
		}
		at := map[string]int{}
		for _, item := range items {
			if item.Purpose == syncproto.PurposePreview {
				continue // its original stands for both
			}
			root := item.Root
			if item.Kind == "photo" {
				root = owner[item.SHA256].job
				d.Photos++
				d.Bytes += item.Size
			} else {
				d.Changes++
			}
			c := t.contact(root)
			key := root.String()
			if c.Text("name") == "" {
				key = ""
			}
			i, ok := at[key]
			if !ok {
				i = len(d.Jobs)
				at[key] = i
				d.Jobs = append(d.Jobs, unsentJob{Where: c.Text("community"), Who: c.Text("name")})
			}
			if item.Kind == "photo" {
				d.Jobs[i].Photos++
			} else {
				d.Jobs[i].Changes++
			}
		}
		return nil
	})
	return d, err
}

// signOut serves POST /me/leave. The SDK refuses while unsent work exists,
// unless a supervisor's code permits it; nothing is dropped by a wrong one.
func signOut(q *ask) error {
	err := q.app.client.SignOut(q.r.Context(), strings.Join(strings.Fields(halfWidth(q.field("code", 4000))), ""))
	if err == nil {
		q.app.fix.forget()
		return q.to("/enrol", "left")
	}
	status, text := q.sentence(err)
	d, uerr := q.unsent()
	if uerr != nil {
		return uerr
	}
	return q.show(status, "leave", page{Title: q.t("leave.title"), Back: "/me", Wrong: text, Body: d})
}
