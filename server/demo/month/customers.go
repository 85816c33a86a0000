package month

import (
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"siteledger/server/ledger"
	"siteledger/syncproto/schema"
)

// files is how many customers the centre has on file when the month begins.
const files = 640

type customer struct {
	id                   uuid.UUID
	name, phone, address string
	home                 int // neighbourhood
	contract             *contract
}

type contract struct {
	id                 uuid.UUID
	no, store          string
	ordered, delivered time.Time
	installed          time.Time // zero: not yet
	until              time.Time // of the warranty
	items              []item
}

type item struct {
	id     uuid.UUID
	serial string
	product
}

// register draws the centre's own rows and its file of customers, entered
// before the month began.
func (b *builder) register() {
	at := b.midnight(-31).Add(8 * time.Hour)
	server := ledger.Author{Role: schema.Server}
	b.step(Step{At: at, Office: &Office{Centre: b.m.Centre, By: server, Edits: []ledger.Edit{insert("centre", b.m.Centre, map[string]any{
		"name": b.link.name("临江服务中心"), "name_en": b.link.name("Linjiang service centre"), "phone": "0555-600-0088", "hours": "8:40–18:00",
	})}}})
	var edits []ledger.Edit
	for _, n := range neighbourhoods {
		id := b.id(at)
		b.communities = append(b.communities, id)
		cols := map[string]any{"name": n.name}
		if n.quietTo > 0 {
			cols["quiet_from"], cols["quiet_to"] = n.quietFrom, n.quietTo
		}
		if n.gate != "" {
			cols["gate_rule"] = n.gate
		}
		edits = append(edits, insert("community", id, cols))
	}
	for i := range b.files {
		c := b.customer(i)
		edits = append(edits, b.customerRows(c, at)...)
	}
	by := ledger.Author{Person: b.clerkA.ID, Role: schema.Clerk}
	for i := 0; len(edits) > 0; i++ {
		n := min(900, len(edits))
		b.step(Step{At: at.Add(time.Duration(i) * time.Minute), Office: &Office{Centre: b.m.Centre, By: by, Edits: edits[:n]}})
		edits = edits[n:]
	}
}

// customer draws a customer with a contract of the last three years.
func (b *builder) customer(n int) *customer {
	ordered := b.midnight(-b.rng.IntN(1000) - 60)
	c := &customer{
		id: b.id(ordered), name: pick(b.rng, surnames) + pick(b.rng, givenNames), home: b.rng.IntN(len(neighbourhoods)),
		phone: fmt.Sprintf("%s0000%04d", pick(b.rng, []string{"130", "135", "138", "139", "150", "158", "186", "189"}), (n*37+1009)%10000),
	}
	switch n {
	case 7:
		c.name = "𠮷䶮"
	case 8:
		c.name = "䶮子墨"
	}
	home := neighbourhoods[c.home]
	c.address = fmt.Sprintf("%s %s %d 幢 %d 单元 %d%02d 室", home.street, home.name, 1+b.rng.IntN(home.buildings), 1+b.rng.IntN(3), 1+b.rng.IntN(26), 1+b.rng.IntN(4))
	if n == 9 {
		c.address = longAddress(c.address)
	}
	delivered := ordered.AddDate(0, 0, 32+b.rng.IntN(20))
	k := &contract{
		id: b.id(ordered), no: fmt.Sprintf("HT%s-%04d", ordered.Format("0601"), 1000+n), store: pick(b.rng, stores), ordered: ordered, delivered: delivered,
	}
	if installed := delivered.AddDate(0, 0, 4+b.rng.IntN(6)); installed.Before(b.midnight(-31)) {
		k.installed, k.until = installed, installed.AddDate(1, 0, 0)
	}
	for i := range 1 + b.rng.IntN(3) {
		p := pick(b.rng, products)
		k.items = append(k.items, item{id: b.id(ordered), product: p, serial: fmt.Sprintf("%s%04d-%d", strings.ToUpper(p.category[:2]), 1000+n, i+1)})
	}
	c.contract = k
	b.customers = append(b.customers, c)
	return c
}

// longAddress makes an address of two hundred characters.
func longAddress(address string) string {
	extra := "(从东门进小区后沿喷泉左转,经过物业中心和儿童乐园,走到第三排楼的尽头,单元门旁有快递柜;门禁坏了请打电话;电梯只到 25 层,复式楼上请走消防楼梯;宠物已关好;鞋套放在门口鞋柜第二格;施工材料请放在阳台,不要放在走廊)"
	r := []rune(address + extra)
	for len(r) < 200 {
		r = append(r, []rune("。请师傅到达前半小时来电")...)
	}
	return string(r[:200])
}

func (b *builder) customerRows(c *customer, at time.Time) []ledger.Edit {
	edits := []ledger.Edit{insert("customer", c.id, map[string]any{
		"name": c.name, "phone": c.phone, "address": c.address, "community": raw(b.communities[c.home]), "opt_out": b.chance(0.04),
	})}
	k := c.contract
	cols := map[string]any{
		"customer": raw(c.id), "contract_no": k.no, "store": k.store, "designer": pick(b.rng, designers),
		"order_time": ms(k.ordered), "delivery_date": ms(k.delivered),
	}
	if !k.installed.IsZero() {
		cols["installed_at"], cols["warranty_until"] = ms(k.installed), ms(k.until)
	}
	edits = append(edits, insert("contract", k.id, cols))
	for _, it := range k.items {
		edits = append(edits, insert("contract_item", it.id, map[string]any{
			"contract": raw(k.id), "category": it.category, "model": it.model, "material": it.material,
			"edge_profile": it.profile, "edge_band": it.band, "drawing_size": fmt.Sprintf("%d×%d mm", it.width, it.high), "serial": it.serial,
		}))
	}
	return edits
}

// warranty is what the contract says of a moment.
func (k *contract) warranty(at time.Time) string {
	switch {
	case k.installed.IsZero():
		return "quality"
	case at.Before(k.until):
		return "in"
	}
	return "out"
}
