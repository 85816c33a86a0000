package clientsdk

import (
	"errors"
	"fmt"
)

// Code classifies an [Error] for programs. The codes of the wire
// (syncproto.Code, syncproto.Reason) are used where one fits.
type Code string

// Codes of the phone's own refusals.
const (
	CodeNotEnrolled   Code = "not-enrolled" // no device yet: scan an enrolment code
	CodeClosed        Code = "closed"       // the client or its database file is closed
	CodeBroken        Code = "database-broken"
	CodeForeign       Code = "database-foreign"
	CodeStorageFull   Code = "storage-full"
	CodeUnknownTable  Code = "unknown-table"
	CodeUnknownColumn Code = "unknown-column"
	CodeBadValue      Code = "bad-value"
	CodeRequired      Code = "required"
	CodeNotWriter     Code = "not-writer"
	CodeTransition    Code = "transition"
	CodeRule          Code = "rule"
	CodeRowUnknown    Code = "row-unknown"
	CodeRowExists     Code = "row-exists"
	CodeTooLarge      Code = "too-large"
	CodeNoReceipt     Code = "no-receipt-number"
	CodeBlobAbsent    Code = "blob-absent"
	CodeBlobNamed     Code = "blob-named" // a record names the photo, so it stays
	CodeBlobType      Code = "blob-type"
	CodeUnsent        Code = "unsent-work"
	CodeOffline       Code = "offline"        // the server did not answer
	CodeNotOurServer  Code = "not-our-server" // something else answered: a Wi-Fi sign-in page, a proxy
	CodeBusy          Code = "busy"
	CodeSignIn        Code = "sign-in-needed" // sessions ended: a new enrolment code is needed; the log waits
	CodeRevoked       Code = "device-revoked"
	CodeCodeInvalid   Code = "code-invalid"
	CodeRefused       Code = "refused" // the server refused; see Detail
	CodeInternal      Code = "internal"
)

// Error is a refusal or a failure with a sentence for the technician in both
// languages. errors.Is compares two of them by code, so
// errors.Is(err, clientsdk.ErrStorageFull) works for any full disk.
type Error struct {
	Code   Code
	ZH, EN string // full sentences: what is wrong, what is safe, what to do
	Table  string // where the refusal is about a row
	Column string
	// Request is the id that a failed call to the server went under, for its
	// operator; empty where there was none.
	Request string
	Err     error // cause, for the log; never shown
}

// Sentinels for errors.Is.
var (
	ErrNotEnrolled = &Error{Code: CodeNotEnrolled, ZH: "这台手机还没有登记,请扫描登记码。", EN: "This phone is not enrolled yet. Scan an enrolment code."}
	ErrClosed      = &Error{Code: CodeClosed, ZH: "本机数据库已关闭,请重新打开应用。", EN: "The phone's database is closed. Open the app again."}
	ErrStorageFull = &Error{Code: CodeStorageFull, ZH: "手机存储空间不足,无法保存照片。请先清理空间再拍,已存的内容都在。", EN: "The phone's storage is full, so a photo can't be kept. Make room before you take it; what is already stored is safe."}
	ErrUnsent      = &Error{Code: CodeUnsent, ZH: "还有未上传的工作,不能退出。请先联网同步,或由主管授权。", EN: "There is work that was not sent yet, so signing out is refused. Sync first, or ask a supervisor for a permit."}
	ErrSignIn      = &Error{Code: CodeSignIn, ZH: "登录已失效,请向服务中心要新的登记码。记录都在手机里,不会丢。", EN: "The sign-in has ended. Ask the service centre for a new enrolment code. All records are safe on the phone."}
)

func (e *Error) Error() string {
	s := string(e.Code) + ": " + e.EN
	if e.Table != "" {
		s = fmt.Sprintf("%s (%s.%s)", s, e.Table, e.Column)
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

func (e *Error) Unwrap() error { return e.Err }

// Is says whether target is an Error of the same code.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code
}

// Sentence is the text for the screen, Chinese for anything but "en".
func (e *Error) Sentence(lang string) string {
	if lang == "en" {
		return e.EN
	}
	return e.ZH
}

// CodeOf finds the code anywhere in err's chain; a foreign error is internal.
func CodeOf(err error) Code {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return CodeInternal
}

// Explain gives the sentence of any error for the screen.
func Explain(err error, lang string) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Sentence(lang)
	}
	if lang == "en" {
		return "Something went wrong on the phone. What was stored before is safe. Try again."
	}
	return "手机内部出错,之前保存的内容都在,请重试。"
}
