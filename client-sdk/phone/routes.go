package phone

import (
	"io/fs"
	"net/http"

	"siteledger/syncproto/ink"
)

// routes is the one table of addresses. GET never changes anything.
func (a *App) routes() http.Handler {
	mux := http.NewServeMux()
	at := func(pattern string, fn func(q *ask) error) { mux.Handle(pattern, a.handle(fn)) }

	at("GET /{$}", home)
	at("GET /enrol", enrolPage)
	at("POST /enrol", enrol)
	at("GET /finished", finishedPage)
	at("GET /uploads", uploadsPage)
	at("POST /uploads/sync", syncNow)
	at("POST /uploads/rule", setUploadRule)
	at("POST /uploads/first", uploadFirst)
	at("POST /uploads/{sha}/retry", retryUpload)
	at("GET /notices", noticesPage)
	at("POST /notices/{id}/seen", noticeSeen)
	at("POST /notices/{id}/answer", answerNotice)
	at("GET /me", mePage)
	at("POST /me/lang", setLang)
	at("POST /me/pin", setPIN)
	at("POST /me/place", setPlaces)
	at("POST /position", newPosition)
	at("GET /me/leave", signOutPage)
	at("POST /me/leave", signOut)

	at("GET /found", foundPage)
	at("POST /found", found)

	at("GET /job/{job}", jobPage)
	at("POST /job/{job}/contact", correctContact)
	at("POST /job/{job}/answer", answerQuestion)
	at("POST /job/{job}/depart", depart)
	at("POST /job/{job}/delay", delayNotice)
	at("POST /job/{job}/arrive", arrive)
	at("POST /job/{job}/absent", customerAbsent)
	at("GET /job/{job}/work", workPage)
	at("POST /job/{job}/record", saveRecord)
	at("GET /job/{job}/defect", defectClasses)
	at("POST /job/{job}/defect", addDefect)
	at("GET /job/{job}/defect/{defect}", defectPage)
	at("POST /job/{job}/defect/{defect}", saveDefect)
	at("POST /job/{job}/defect/{defect}/submit", submitDefect)
	at("GET /job/{job}/retake/{defect}", retakePage)
	at("POST /job/{job}/retake/{defect}", retakeDone)
	at("GET /job/{job}/fee", feePage)
	at("POST /job/{job}/fee", addFee)
	at("GET /job/{job}/standard", standardPage)
	at("POST /job/{job}/standard", standardShown)
	at("POST /job/{job}/receipt", issueReceipt)
	at("POST /job/{job}/waiver", askWaiver)
	at("GET /job/{job}/part", partPage)
	at("POST /job/{job}/part", addPart)
	at("GET /job/{job}/finish", finishPage)
	at("POST /job/{job}/finish", saveFinish)
	at("POST /job/{job}/selfcheck", selfCheck)
	at("GET /job/{job}/handover", handoverPage)
	at("POST /job/{job}/handover", startHandover)
	at("POST /job/{job}/sign", sign)
	at("POST /job/{job}/unlock", unlock)
	at("GET /job/{job}/copy", copyPage)
	at("POST /job/{job}/copy", makeCopyLink)
	at("GET /job/{job}/done", donePage)
	at("POST /job/{job}/done", closeVisit)
	at("POST /job/{job}/called", calledBack)

	at("POST /job/{job}/photo", takePhoto)
	at("GET /job/{job}/keep/{sha}", keepPage)
	at("POST /job/{job}/keep/{sha}", keepPhoto)
	at("GET /stored/{sha}", storedBytes)
	at("GET /loose/{sha}", loosePage)
	at("POST /loose/{sha}/discard", discardLoose)
	at("POST /job/{job}/loose/{sha}", addLoose)
	at("GET /photo/{photo}", photoPage)
	at("GET /photo/{photo}/{kind}", photoBytes)
	at("GET /signature/{signature}", signatureBytes)

	at("GET /events", events)
	at("GET /", toPage)

	files, err := fs.Sub(staticFiles, "static")
	if err == nil { // the folder is embedded: it is always there
		mux.Handle("GET /static/", http.StripPrefix("/static/", cached(http.FileServerFS(files))))
		mux.Handle("GET /static/strokes.js", http.StripPrefix("/static/", cached(http.FileServerFS(ink.Script()))))
	}
	return a.enrolled(a.held(mux))
}

// cached lets the web view keep a file until the app starts anew: the address
// of each launch is another one.
func cached(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "private, max-age=3600")
		next.ServeHTTP(w, r)
	})
}
