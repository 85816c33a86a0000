package month

import (
	"fmt"
	"time"

	"github.com/google/uuid"

	"siteledger/server/ledger"
	"siteledger/syncproto/schema"
)

func (b *builder) person(centre uuid.UUID, name, login string, role schema.Role, skills string) *Person {
	login = b.link.login(login)
	p := &Person{
		ID: b.id(b.midnight(-400)), Centre: centre, Name: name, Login: login, Role: role, Skills: skills,
		Phone: fmt.Sprintf("6%03d", 100+len(b.m.People)),
	}
	b.m.People = append(b.m.People, p)
	return p
}

// phone is one that was enrolled before the month began.
func (b *builder) phone(p *Person, model string) *Phone {
	at := b.midnight(-31).Add(9 * time.Hour)
	ph := &Phone{
		Person: p, Model: model, Private: b.key(), Epoch: b.id(at), Boot: b.id(at), Started: at,
		// Most clocks are within seconds; see trouble for those that are not.
		Offset: b.between(-40*time.Second, 40*time.Second),
	}
	b.m.Phones = append(b.m.Phones, ph)
	b.step(Step{At: at, Enrol: ph})
	return ph
}

// people draws who works where: one supervisor, two clerks, an inspector, ten
// installers, two judges and an administrator; and a second, small centre.
func (b *builder) people() {
	long := b.midnight(-400)
	b.m.Centre, b.m.Second, b.m.Headquarters = b.id(long), b.id(long), b.id(long)
	if b.link != nil {
		b.link.place(b.m)
	}
	c := b.m.Centre
	b.supervisor = b.person(c, "周明华", "supervisor", schema.Supervisor, "")
	b.clerkA = b.person(c, "陈静", "clerk", schema.Clerk, "")
	b.clerkB = b.person(c, "刘芳", "clerk2", schema.Clerk, "")
	b.inspector = b.person(c, "吴督导", "inspector", schema.Clerk, "督导")
	if b.link.leads() {
		b.m.judges = []*Person{
			b.person(b.m.Headquarters, "郑工", "judge", schema.Adjudicator, ""),
			b.person(b.m.Headquarters, "孙工", "judge2", schema.Adjudicator, ""),
		}
		b.admin = b.person(b.m.Headquarters, "系统管理员", "admin", schema.Admin, "")
	}
	b.judges = b.m.judges

	names := [3][2]string{{"马永康", "董大勇"}, {"高振华", "罗学军"}, {"田志强", "曹一鸣"}}
	models := []string{"华为 nova 12", "小米 Redmi Note 13", "荣耀 X50", "OPPO A3", "vivo Y78"}
	for g, pair := range names {
		for i, name := range pair {
			p := b.person(c, name, "", schema.Installer, fmt.Sprintf("安装%d组,橱柜,衣柜", g+1))
			b.groups[g][i] = b.phone(p, models[(g*2+i)%len(models)])
		}
	}
	b.repair[0] = b.phone(b.person(c, "韩建国", "", schema.Installer, "售后,橱柜,电器"), "华为 畅享 70")
	b.m.Demo = b.person(c, "李卫东", "", schema.Installer, "售后,橱柜,净水器")
	b.repair[1] = b.phone(b.m.Demo, "小米 13")
	b.spare = b.phone(b.person(c, "谢少华", "", schema.Installer, "机动,木门"), "荣耀 Play 8")
	b.m.Story = b.person(c, "张立新", "", schema.Installer, "售后,橱柜,衣柜")
}

// headquarters draws what headquarters gives to all: fee standard and scripts.
func (b *builder) headquarters() {
	if !b.link.leads() {
		return
	}
	at := b.midnight(-200)
	edits := []ledger.Edit{insert("centre", b.m.Headquarters, map[string]any{
		"name": "总部", "name_en": "Headquarters", "phone": "400-000-0100", "hours": "8:30–18:00", "headquarters": true,
	})}
	for _, f := range feeStandard {
		edits = append(edits, insert("fee_standard", b.id(at), map[string]any{
			"version": standardVersion, "item": f.item, "name": f.name, "name_en": f.english, "unit": f.unit, "price": f.price, "currency": "CNY",
			"split_technician": int64(60), "split_centre": int64(30), "split_company": int64(10), "valid_from": ms(at), "approved": true,
		}))
	}
	for _, s := range scripts {
		edits = append(edits, insert("script", b.id(at), map[string]any{"step": s[0], "text": s[1], "text_en": s[2], "version": "2026-1"}))
	}
	b.step(Step{At: b.midnight(-32), Office: &Office{Centre: b.m.Headquarters, By: ledger.Author{Person: b.admin.ID, Role: schema.Admin}, Edits: edits}})
}

const standardVersion = "2026-06"
