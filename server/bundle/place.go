package bundle

import (
	"fmt"

	"siteledger/server/report"
	"siteledger/syncproto/fieldwork"
)

// placeText says where a photo was taken and how far that is from where it
// should have been; "" without a position.
func placeText(p report.PhotoPlace) string {
	if p.Place == (fieldwork.Place{}) {
		return ""
	}
	text := "位置 position " + fieldwork.Degrees(p.Lat) + ", " + fieldwork.Degrees(p.Lon)
	if p.Accuracy > 0 {
		text += fmt.Sprintf(" ±%d m", p.Accuracy)
	}
	if p.Source == "exif" {
		text += " (照片文件 by the file)"
	}
	switch {
	case p.Mocked:
		return text + " · 模拟定位 mock position"
	case p.From == report.FromAddress:
		return text + fmt.Sprintf(" · 距地址 %d m from the address", p.Metres)
	case p.From == report.FromArrival:
		return text + fmt.Sprintf(" · 距到达处 %d m from the arrival", p.Metres)
	case p.From == report.FromOthers:
		return text + fmt.Sprintf(" · 距其余照片 %d m from the other photos", p.Metres)
	}
	return text
}
