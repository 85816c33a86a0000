// Package mobile is what a phone's shell in Kotlin or Swift sees, bound by
// gomobile: plain types only, everything rich goes over the pages on loopback
// or as JSON text.
//
// A shell opens the app, points its web view at [App.UIURL], and closes it:
//
//	val app = Mobile.open(filesDir.path, "https://sync.example.com", host)
//	webView.loadUrl(app.uiurl())
//	…
//	app.close()
//
// A shell that has leave to know where it is asks [App.WantsPosition] and tells
// [App.Position] while it is in the foreground; it needs nothing else, and a web
// view without leave is no error.
//
// The package holds no logic of its own. A panic of Go would end the whole
// process of the shell, so every exported function turns one into an error.
// Errors read "code: Chinese sentence / English sentence".
package mobile
