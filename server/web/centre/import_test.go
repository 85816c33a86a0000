package centre_test

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"net/url"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"
	"golang.org/x/text/encoding/simplifiedchinese"
)

const table = "顾客名称,联系电话,地址,合同号,品类,安装日期,质保到期\n" +
	"钱一,13800000001,一号街,C-1,橱柜,2026-01-02,2031-01-02\n" +
	"孙二,,二号街,C-2,门,,\n" + // no phone
	"李三,13800000003,三号街,C-3,飞船,,\n" + // no such category
	"周四,13800000004,四号街,C-1,橱柜,,\n" + // contract of row 2
	"吴五,13800000005,,,,,\n" +
	"钱一,138-0000-0001,一号街,C-9,衣柜,2026/3/4,\n" + // known by row 2, another contract
	"郑六,13800000006,,C-6,窗,去年,\n" + // no date
	"=cmd|' /C calc'!A0,13800000007,,,,,\n"

func TestImportDryRunThenCommit(t *testing.T) {
	w := world(t)
	b := w.SignIn("clerk")
	d := b.Upload("/centre/import/check", "file", "客户.csv", []byte("\xef\xbb\xbf"+table)).Want(200)
	d.Has(".bad-rows tr", "3孙二请填写“联系电话”").Has(".bad-rows tr", "4李三“品类”的内容不对").Has(".bad-rows tr", "5周四合同号 C-1 已经有了").Has(".bad-rows tr", "8郑六“安装完成”的内容不对")
	d.Has("#commit", "导入 4 行")
	b.Get("/centre/customers").Has(".empty", "还没有客户档案")
	done := b.Post("/centre/import/commit", url.Values{"rows": {d.Attr("#commit [name=rows]", "value")}, "name": {"客户.csv"}}).Want(200)
	done.Has(".flash-ok", "已导入 4 行")
	list := b.Get("/centre/customers").Want(200)
	list.Has("td b", "钱一").Has("td b", "吴五").Lacks("td b", "孙二")
	b.Get("/centre/search?q=C-9").Has("main b", "钱一")
	// The same file again finds everything known; nothing is there twice.
	again := b.Upload("/centre/import/check", "file", "客户.csv", []byte(table)).Want(200)
	again.Has(".bad-rows tr", "合同号 C-1 已经有了").Has(".bad-rows tr", "这位客户已经有档案了").Lacks("main", "导入 1 行")
	if n := len(b.Get("/centre/customers").All("tbody tr")); n != 3 {
		t.Errorf("%d customers", n)
	}
}

func TestImportReadsWhatSpreadsheetsSave(t *testing.T) {
	w := world(t)
	b := w.SignIn("clerk")
	gbk, err := simplifiedchinese.GBK.NewEncoder().Bytes([]byte("姓名,电话\n冯七,13800000008\n"))
	if err != nil {
		t.Fatal(err)
	}
	b.Upload("/centre/import/check", "file", "a.csv", gbk).Want(200).Has("#commit", "导入 1 行")

	f := excelize.NewFile()
	for cell, v := range map[string]any{"A1": "*顾客名称", "B1": "联系电话", "C1": "合同号", "D1": "质保期至", "A2": "陈八", "B2": 13800000009, "C2": "C-8", "D2": 47000} {
		if err := f.SetCellValue("Sheet1", cell, v); err != nil {
			t.Fatal(err)
		}
	}
	var x bytes.Buffer
	if err := f.Write(&x); err != nil {
		t.Fatal(err)
	}
	d := b.Upload("/centre/import/check", "file", "a.xlsx", x.Bytes()).Want(200).Has("#commit", "导入 1 行")
	b.Post("/centre/import/commit", url.Values{"rows": {d.Attr("#commit [name=rows]", "value")}}).Want(200)
	found := b.Get("/centre/search?q=13800000009").Want(200)
	b.Get(found.Attr("tbody a", "href")).Has("main", "2028-09-04")

	for _, as := range []string{"csv", "xlsx"} {
		b.Upload("/centre/import/check", "file", "t."+as, []byte(b.Get("/centre/import/template?as="+as).Want(200).Body)).Want(200).Has("#commit", "导入 1 行")
	}
}

func TestImportRefusesBadFiles(t *testing.T) {
	w := world(t)
	b := w.SignIn("clerk")
	for name, c := range map[string]struct{ body, words string }{
		"empty":         {"", "没有数据行"},
		"header alone":  {"姓名,电话\n", "没有数据行"},
		"no phone":      {"姓名,地址\n甲,乙\n", "没有“联系电话”这一列"},
		"a picture":     {"\x89PNG\r\n\x1a\n\x00\x00\x00", "不是能读的"},
		"a broken xlsx": {"PK\x03\x04rubbish", "不是能读的"},
		"too many rows": {"姓名,电话\n" + strings.Repeat("甲,13800000000\n", 5001), "最多导入 5000 行"},
	} {
		if d := b.Upload("/centre/import/check", "file", "x", []byte(c.body)); d.Status != 422 {
			t.Errorf("%s: %d", name, d.Status)
		} else {
			d.Has(".flash-bad", c.words)
		}
	}
	b.Upload("/centre/import/check", "file", "x", make([]byte, 5<<20)).Want(413)
	b.Post("/centre/import/commit", url.Values{"rows": {"garbage"}}).Want(422)
	b.Post("/centre/import/check", nil).Want(422).Has(".flash-bad", "请选择文件")
}

// A small body that unpacks to more rows than a file may have is refused before
// it is held in memory.
func TestImportBombIsRefused(t *testing.T) {
	w := world(t)
	b := w.SignIn("clerk")
	for _, rows := range []string{"[" + strings.Repeat(`{},`, 2_000_000) + "{}]", `{}`, ``, `[`} {
		var packed bytes.Buffer
		z := gzip.NewWriter(&packed)
		if _, err := z.Write([]byte(rows)); err != nil {
			t.Fatal(err)
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		d := b.Post("/centre/import/commit", url.Values{"rows": {base64.StdEncoding.EncodeToString(packed.Bytes())}})
		if d.Status < 400 || d.Status >= 500 {
			t.Errorf("%d bytes unpacked: status %d", len(rows), d.Status)
		}
	}
}
