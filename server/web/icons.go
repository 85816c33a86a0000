package web

import "html/template"

// icons are the drawings of the screens: 16×16, one stroke, current colour.
// Each tone of a pill has a shape of its own, so that colour never speaks
// alone.
func drawing(name string) string {
	switch name {
	case "ok":
		return `<circle cx="8" cy="8" r="6.25"/><path d="m5.2 8.2 2 2 3.8-4.2"/>`
	case "warn":
		return `<path d="M8 2 14.4 13.4H1.6Z"/><path d="M8 6.6v3M8 11.4v.1"/>`
	case "bad":
		return `<path d="M5.3 1.8h5.4l3.5 3.5v5.4l-3.5 3.5H5.3l-3.5-3.5V5.3Z"/><path d="m5.8 5.8 4.4 4.4m0-4.4-4.4 4.4"/>`
	case "info":
		return `<rect x="2" y="2" width="12" height="12" rx="2.5"/><path d="M8 7.2v4M8 4.9V5"/>`
	case "wait":
		return `<circle cx="8" cy="8" r="6.25"/><path d="M8 4.6V8l2.4 1.6"/>`
	case "quiet":
		return `<circle cx="8" cy="8" r="5.5"/>`
	case "off":
		return `<circle cx="8" cy="8" r="6"/><path d="m4 12 8-8"/>`
	case "search":
		return `<circle cx="7" cy="7" r="4.5"/><path d="m10.5 10.5 3.7 3.7"/>`
	case "phone":
		return `<rect x="4.5" y="1.5" width="7" height="13" rx="1.6"/><path d="M7 12.2h2"/>`
	case "phone-off":
		return `<rect x="4.5" y="1.5" width="7" height="13" rx="1.6"/><path d="m2 14 12-12"/>`
	case "call":
		return `<path d="M3 2.5h2.6l1.1 3-1.5 1.2a8 8 0 0 0 4.1 4.1l1.2-1.5 3 1.1V13a1 1 0 0 1-1 1A11 11 0 0 1 2 3.5a1 1 0 0 1 1-1Z"/>`
	case "photo":
		return `<rect x="1.5" y="3.5" width="13" height="10" rx="1.5"/><circle cx="8" cy="8.6" r="2.6"/><path d="M5.5 3.5 6.5 2h3l1 1.5"/>`
	case "case":
		return `<path d="M2 13.5V4.5h4l1.5 1.6H14v7.4Z"/><path d="M6 10h4"/>`
	case "clock":
		return `<circle cx="8" cy="8.5" r="5.5"/><path d="M8 5.4v3.1l2 1.4M6.3 1.5h3.4"/>`
	case "slip":
		return `<path d="M3.5 1.5h9v13l-2.2-1.2L8 14.5l-2.3-1.2-2.2 1.2Z"/><path d="M5.8 5h4.4M5.8 8h4.4"/>`
	case "plus":
		return `<path d="M8 3v10M3 8h10"/>`
	case "people":
		return `<circle cx="6" cy="5.5" r="2.6"/><path d="M1.5 13.5c.4-2.8 2.2-4.2 4.5-4.2s4.1 1.4 4.5 4.2M10.6 3.2a2.5 2.5 0 0 1 0 4.6M12 9.7c1.4.6 2.3 1.9 2.5 3.8"/>`
	case "person":
		return `<circle cx="8" cy="5.2" r="2.9"/><path d="M2.8 14c.4-3.1 2.4-4.7 5.2-4.7s4.8 1.6 5.2 4.7"/>`
	case "home":
		return `<path d="m2 7.5 6-5 6 5v6.5H2Z"/><path d="M6.3 14v-4h3.4v4"/>`
	case "calendar":
		return `<rect x="2" y="3" width="12" height="11" rx="1.5"/><path d="M2 6.5h12M5 1.5v3M11 1.5v3"/>`
	case "pin":
		return `<path d="M8 14.5S3.2 9.9 3.2 6.4a4.8 4.8 0 0 1 9.6 0c0 3.5-4.8 8.1-4.8 8.1Z"/><circle cx="8" cy="6.4" r="1.7"/>`
	case "key":
		return `<circle cx="5" cy="8" r="3"/><path d="M8 8h6.5M12 8v2.5"/>`
	case "print":
		return `<path d="M4 6V2h8v4M4 11H2V6h12v5h-2"/><rect x="4" y="9.5" width="8" height="4.5"/>`
	case "upload":
		return `<path d="M8 10.5v-8m-3 3 3-3 3 3M2.5 10.5v3h11v-3"/>`
	case "download":
		return `<path d="M8 2.5v8m-3-3 3 3 3-3M2.5 10.5v3h11v-3"/>`
	case "left":
		return `<path d="m10 3-5 5 5 5"/>`
	case "right":
		return `<path d="m6 3 5 5-5 5"/>`
	case "edit":
		return `<path d="m3 10.5 7.6-7.6 2.5 2.5L5.5 13H3Z"/>`
	case "out":
		return `<path d="M9.5 2.5H3v11h6.5M6.5 8h8m-2.5-2.5L14.5 8 12 10.5"/>`
	case "language":
		return `<circle cx="8" cy="8" r="6.2"/><path d="M1.8 8h12.4M8 1.8c4 4.2 4 8.2 0 12.4M8 1.8c-4 4.2-4 8.2 0 12.4"/>`
	case "timeline":
		return `<path d="M1.5 5h13M1.5 11h13"/><circle cx="5" cy="5" r="1.4"/><circle cx="10.5" cy="11" r="1.4"/>`
	case "scale":
		return `<path d="M8 2v12M4.5 14h7M3 4.5h10M3 4.5 1.2 9h3.6Zm10 0L11.2 9h3.6Z"/>`
	case "tool":
		return `<path d="M9.4 6.6a3.6 3.6 0 0 1 4.3-4.6l-2.1 2.1.6 1.7 1.7.6L14 4.3a3.6 3.6 0 0 1-4.6 4.6l-5 5a1.6 1.6 0 0 1-2.3-2.3Z"/>`
	}
	return `<circle cx="8" cy="8" r="2"/>`
}

// icon is an inline drawing. It says nothing to a screen reader: a word always
// stands beside it.
func icon(name string) template.HTML {
	return template.HTML(`<svg class="icon icon-` + template.HTMLEscapeString(name) + `" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">` + drawing(name) + `</svg>`)
}

// pill is a state as word and shape, which is the drawing of its tone's name as
// the style sheet has it. Tones: ok, warn, bad, info, wait, quiet, off.
func pill(tone, text string) template.HTML {
	switch tone {
	case "ok", "warn", "bad", "info", "wait", "quiet", "off":
	default:
		tone = "quiet"
	}
	return template.HTML(`<span class="pill pill-` + tone + `">` + template.HTMLEscapeString(text) + `</span>`)
}
