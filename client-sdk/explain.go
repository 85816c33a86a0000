package clientsdk

import (
	"context"
	"errors"

	"siteledger/client-sdk/attachment"
	"siteledger/client-sdk/localdb"
	"siteledger/client-sdk/outbox"
	"siteledger/client-sdk/replica"
	"siteledger/client-sdk/transport"
	"siteledger/syncproto"
)

// explained gives an error of the rooms below its code and sentences. An Error,
// and the caller's own cancelling, stay as they are.
func explained(err error) error {
	out := inWords(err)
	if e, ok := out.(*Error); ok && e.Request == "" {
		if id := transport.RequestOf(err); id != "" {
			named := *e
			named.Request = id
			return &named
		}
	}
	return out
}

func inWords(err error) error {
	var e *Error
	if err == nil || errors.As(err, &e) || errors.Is(err, context.Canceled) {
		return err
	}
	for _, known := range []struct {
		is  error
		say *Error
	}{
		{localdb.ErrClosed, ErrClosed},
		{localdb.ErrForeign, &Error{Code: CodeForeign, ZH: "数据文件夹里的数据库不是本应用的文件,没有改动它。", EN: "The database file in the data folder is not one of this app. It was left as it is."}},
		{localdb.ErrNewer, &Error{Code: CodeForeign, ZH: "数据由更新版本的应用写成,请更新应用。数据没有改动。", EN: "The data was written by a newer app. Update the app; the data was left as it is."}},
		{localdb.ErrBroken, &Error{Code: CodeBroken, ZH: "本机数据库文件已损坏。请不要删除应用,联系服务中心取回未上传的记录。", EN: "The phone's database file is damaged. Don't remove the app: the service centre can rescue what was not sent."}},
		{localdb.ErrFull, &Error{Code: CodeStorageFull, ZH: "手机存储空间不足,这次没有保存。请清理空间后重试,之前的内容都在。", EN: "The phone's storage is full, so this was not saved. Make room and try again; what was stored before is safe."}},
		{attachment.ErrFull, ErrStorageFull},
		{attachment.ErrType, &Error{Code: CodeBlobType, ZH: "这个文件不是照片或不是允许的格式,没有保存。", EN: "This file is no photo, or of a type that is not taken. It was not stored."}},
		{attachment.ErrTooLarge, &Error{Code: CodeTooLarge, ZH: "文件太大,没有保存。", EN: "The file is too large. It was not stored."}},
		{attachment.ErrAbsent, &Error{Code: CodeBlobAbsent, ZH: "这张照片不在本机。", EN: "This photo is not on this phone."}},
		{attachment.ErrNamed, &Error{Code: CodeBlobNamed, ZH: "这张照片已归入记录,不能丢弃。", EN: "This photo belongs to a record, so it can't be discarded."}},
		{attachment.ErrRule, &Error{Code: CodeBadValue, ZH: "没有这种上传方式。", EN: "There is no such rule for uploads."}},
		{outbox.ErrTooLarge, &Error{Code: CodeTooLarge, ZH: "一次保存的内容太多,请缩短文字或分次保存。", EN: "This is too much for one record. Shorten the text or save in steps."}},
		{outbox.ErrNoReceipt, &Error{Code: CodeNoReceipt, ZH: "收据号已用完,请联网同步领取新的号段。", EN: "The receipt numbers are used up. Go online and sync to get new ones."}},
		{outbox.ErrDamaged, &Error{Code: CodeBroken, ZH: "本机记录日志校验不通过,请联系服务中心。", EN: "The phone's log does not verify. Call the service centre."}},
		{outbox.ErrAnswer, &Error{Code: CodeRefused, ZH: "服务器的答复前后不一致,未采用,稍后自动重试。", EN: "The server's answer does not add up. It was not used; the phone tries again by itself."}},
		{replica.ErrUnknownTable, &Error{Code: CodeUnknownTable, ZH: "手机上没有这种记录。", EN: "There are no records of this kind on phones."}},
		{replica.ErrUnknownColumn, &Error{Code: CodeUnknownColumn, ZH: "没有这个字段。", EN: "There is no such field."}},
		{replica.ErrRowExists, &Error{Code: CodeRowExists, ZH: "这条记录已经存在。", EN: "This record is there already."}},
		{replica.ErrRowUnknown, &Error{Code: CodeRowUnknown, ZH: "这条记录不在本机。", EN: "This record is not on this phone."}},
		{transport.ErrUnreachable, &Error{Code: CodeOffline, ZH: "连不上服务器,记录和照片都在手机里,有网后自动上传。", EN: "The server did not answer. Records and photos are safe on the phone and go up by themselves when there is a network."}},
		{transport.ErrForeign, &Error{Code: CodeNotOurServer, ZH: "收到的不是服务器的答复,可能是 Wi-Fi 需要登录。照片仍在手机里。", EN: "Something else than our server answered; perhaps the Wi-Fi wants a sign-in. Everything is still on the phone."}},
	} {
		if errors.Is(err, known.is) {
			return with(known.say, err)
		}
	}
	if p, ok := transport.ProblemOf(err); ok {
		return problem(p, err)
	}
	return &Error{Code: CodeInternal, ZH: Explain(err, "zh-CN"), EN: Explain(err, "en"), Err: err}
}

// problem gives the sentence of a refusal by the server.
func problem(p *transport.Problem, err error) error {
	switch {
	case p.Status == 429 || p.Status >= 500:
		return &Error{Code: CodeBusy, ZH: "服务器忙,稍后自动重试。记录都在手机里。", EN: "The server is busy. The phone tries again by itself; all records are safe on it.", Err: err}
	case p.Code == syncproto.CodeInvalid:
		return &Error{Code: CodeCodeInvalid, ZH: "登记码不对、已用过或已过期,请向服务中心要新的。", EN: "The enrolment code is wrong, used or expired. Ask the service centre for a new one.", Err: err}
	case p.Code == syncproto.DeviceRevoked:
		return &Error{Code: CodeRevoked, ZH: "这台手机已被停用,请联系服务中心。未上传的记录还在手机里。", EN: "This phone was revoked. Call the service centre; what was not sent is still on the phone.", Err: err}
	case p.Status == 401:
		return &Error{Code: CodeRefused, ZH: "服务器暂时不认这台手机的登录,稍后自动重试。记录都在手机里。", EN: "The server does not take this phone's sign-in at the moment. The phone tries again by itself; all records are safe on it.", Err: err}
	}
	return &Error{Code: CodeRefused, ZH: "服务器拒绝了这次请求(" + string(p.Code) + "),记录还在手机里,请把代码告诉服务中心。", EN: "The server refused (" + string(p.Code) + "). The records are still on the phone; tell the service centre this code.", Err: err}
}

// with puts a cause under a known error.
func with(say *Error, err error) *Error {
	e := *say
	e.Err = err
	return &e
}

// refusal makes an Error about a place in a row.
func refusal(code Code, table, column, zh, en string) *Error {
	return &Error{Code: code, ZH: zh, EN: en, Table: table, Column: column}
}
