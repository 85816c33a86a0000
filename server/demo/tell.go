package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/google/uuid"

	"siteledger/server/demo/console"
)

// info is the one line of -json. All addresses are absolute.
type info struct {
	Server       string            `json:"server"`
	Centre       string            `json:"centre"`
	Headquarters string            `json:"headquarters"`
	Phone        string            `json:"phone"`
	Console      string            `json:"console"`
	Data         string            `json:"data"`
	Accounts     []console.Account `json:"accounts"`
	// EnrolmentCode is for Person, an installer with open jobs whose phone is
	// not enrolled yet; the demo's own phone is somebody else's.
	EnrolmentCode string `json:"enrolment_code"`
	Person        string `json:"person"`
	PersonName    string `json:"person_name"`
}

func (d *demo) info(ctx context.Context) (info, error) {
	code, _, err := d.code(ctx, d.sample.Story.ID.String())
	if err != nil {
		return info{}, err
	}
	return info{
		Server: d.app.URL(), Centre: d.app.URL() + "/centre/", Headquarters: d.app.URL() + "/headquarters/", Phone: d.pages, Console: d.console,
		Data: d.data, Accounts: d.sample.accounts(), EnrolmentCode: code, Person: d.sample.Story.ID.String(), PersonName: d.sample.Story.Name,
	}, nil
}

// code makes a fresh one-time code for a person's phone.
func (d *demo) code(ctx context.Context, person string) (string, time.Time, error) {
	id, err := uuid.Parse(person)
	if err != nil {
		return "", time.Time{}, err
	}
	code, expires, err := d.app.Auth.OperatorCode(ctx, id)
	if err != nil {
		return "", time.Time{}, fmt.Errorf("enrolment code: %w", err)
	}
	return code, expires, nil
}

func (d *demo) doors() []console.Door {
	return []console.Door{
		{ZH: "服务中心", EN: "Service centre", URL: d.app.URL() + "/centre/", Note: "登录 sign in: clerk"},
		{ZH: "总部", EN: "Headquarters", URL: d.app.URL() + "/headquarters/", Note: "登录 sign in: judge"},
		{ZH: "手机(" + d.sample.Demo.Name + ")", EN: "Phone", URL: d.pages, Note: "已登记,不用密码 · enrolled, no password; 390×844"},
	}
}

// tell says where to click, how to sign in and what to try.
func (d *demo) tell(w io.Writer, in info) error {
	var b strings.Builder
	p := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	p("")
	p("SiteLedger 演示已就绪 · the demo is ready")
	p("")
	p("  服务中心 Service centre   %s", in.Centre)
	p("  总部     Headquarters     %s", in.Headquarters)
	p("  手机     Phone            %s", in.Phone)
	p("  演示台   Demo console     %s", in.Console)
	p("")
	p("登录 Sign in — 密码都是 the password of all: %s", in.Accounts[0].Password)
	for _, a := range in.Accounts {
		p("  %-12s %s", a.Role, a.User)
	}
	p("")
	p("试一试 Try this")
	p("  1 服务中心:客服接单、约时间、派给 %s · service centre (clerk): take in a call, agree a slot, send %s", d.sample.Demo.Name, d.sample.Demo.Name)
	p("  2 演示台:断开手机的网络 · console: cut the phone's network")
	p("  3 手机:出发、到达、记录、门板色差拍照、收费、顾客签字 · phone: depart, arrive, record, photograph the door panel, charge, have it signed")
	p("  4 服务中心:同时改约时间、改电话 · service centre: meanwhile move the slot and correct the phone number")
	p("  5 演示台:恢复网络;服务中心:对账页看时间线、裁决冲突、登记 · restore; service centre: timeline, decide the conflict, register the slip")
	p("  6 总部:全景与局部并排判定 · headquarters (judge): full view beside close-up, verdict; it shows on the phone")
	p("")
	p("另一部手机 Another phone, for %s (10 分钟内有效 valid for 10 minutes):", in.PersonName)
	p("  go run ./client-sdk/cmd/phone -server http://%s -code %s", d.line.server.Addr(), in.EnrolmentCode)
	p("")
	p("数据 Data: %s    停止 Stop: Ctrl-C", in.Data)
	_, err := io.WriteString(w, b.String())
	return err
}
