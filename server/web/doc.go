// Package web is the shell that both doors share: the service centre's
// (server/web/centre) and headquarters' (server/web/headquarters). It owns
// sign-in, the session cookie, the forgery checks, the content security
// policy, the two languages, the layout, errors as pages and the live pokes.
//
// It never decides anything about a job, knows no SQL and never shows a page
// to a role that its route does not name. Everything a person typed reaches
// the page through html/template alone.
//
// # How to add a page
//
// A door is an [Area]: templates, dictionaries, static files, routes. One
// screen is one Go file with its data struct, a load function and a handler,
// and one template of the same name.
//
//  1. Write the handler, an error-returning function:
//
//     func (d *Door) people(c *web.Context) error {
//     page, err := d.loadPeople(c.Context(), c.Person.Centre)
//     if err != nil {
//     return err // a fault.Error picks status and words of the error page
//     }
//     return c.Render("people", web.Page{Title: c.T("people.title"), Nav: "people", Data: page})
//     }
//
//  2. Write templates/people.html with {{define "content"}}…{{end}}. The dot
//     is a [Page]: .Data is yours; .T "key", .Label "job" "status",
//     .Value "job" "status" v, .Time ms, .Slot from to, .Money fen "CNY",
//     .CSRF (put it into every form), .Static "area/file.js" are methods.
//     Inside a range use $. Functions: icon "name", pill "tone" text,
//     dict "k" v …, list. Partials shared by a door's pages stand in
//     templates/_*.html; the shell's are in web/templates.
//     A region with data-live="id" is swapped in place when the centre's data
//     change; keep forms out of live regions so that typed text stays.
//     A link or button with data-key="n" (or "g q") answers to that key;
//     data-list on a table or list gives J, K and Enter over its [data-row].
//
//     Style: what both doors share is in static/app.css; a door's own sheet is
//     static/<area>.css, linked by itself; a page's further sheets are named in
//     Page.Styles, for the head. No style attribute: the policy forbids them.
//     A page is painted as soon as the browser has laid out all of it: lists
//     show [ListRows] rows, and what repeats in them is few elements.
//
//  3. Add a row to the door's route table:
//     {Method: "GET", Path: "/centre/people", Roles: […], Handler: d.people}.
//     A route without roles is refused at start, and the role × route test of
//     the door fails until its row is there.
//
//  4. Put its words into i18n/<area>.zh-CN.json and i18n/<area>.en.json of the
//     door; both must have the same keys and no key may stand in two files.
//     Words that scripts need begin with "js." and are read with t() of
//     static/shell/words.js. Names of columns and values come from the schema.
//
// Post handlers read c.Form, call one method of office or reconcile, then
// c.Flash and c.Redirect. On fault.Invalid or fault.Stale they render the form
// again with what was typed: use c.RenderStatus with [Context.Problem].
// Messages of faults are dictionary keys, arguments behind '|' (a
// "table.column" becomes its name), or "中文 · English".
//
// Tests use webtest: a real store and sign-in, pages read by selector and text.
package web
