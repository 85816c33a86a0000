package fieldwork

import "siteledger/syncproto/schema"

// missingRole words a missing photo for the technician on the site.
func missingRole(class, role string) Missing {
	if role == RoleFull {
		return Missing{"full",
			"还缺一张全景照片:请后退几步,把有问题的位置和周围一起拍进来。",
			"A full view is missing: step back and take the problem together with its surroundings."}
	}
	switch class {
	case TopCrack, DoorCrack:
		return Missing{"close",
			"还缺一张局部照片:请靠近,把整条裂缝从头到尾拍在一张照片里。",
			"A close-up is missing: go near and take the whole crack, from end to end, in one picture."}
	case TopColour, DoorColour:
		return Missing{"close",
			"还缺一张局部照片:请靠近,把颜色不同的交界处拍清楚,不要反光。",
			"A close-up is missing: go near and take the place where the colours meet, without glare."}
	case TopWarp, DoorWarp:
		return Missing{"close",
			"还缺一张局部照片:请贴着边缘拍,让人看得出弯了多少。",
			"A close-up is missing: take it along the edge, so that one sees how far it is bent."}
	case WrongSize:
		return Missing{"close",
			"还缺一张局部照片:请把卷尺放在量的位置,让刻度看得清楚。",
			"A close-up is missing: lay the tape where you measured, with its marks readable."}
	}
	return Missing{"close",
		"还缺一张局部照片:请靠近,把有问题的地方拍清楚。",
		"A close-up is missing: go near and take the problem clearly."}
}

func missingSamePlane(class string) Missing {
	if class == TopColour {
		return Missing{"same-plane",
			"还缺“同一平面”的确认:请把两块台面放在同一平面上,拍在同一张对比或全景照片里,并勾选“同一平面”。",
			"The same-plane confirmation is missing: lay both tops in one plane, take them together in one comparison or full view, and tick “same plane”."}
	}
	return Missing{"same-plane",
		"还缺“同一平面”的确认:请让两块门板在同一平面上再拍,并在照片上勾选“同一平面”。",
		"The same-plane confirmation is missing: take both panels while they are in one plane, and tick “same plane” on that photo."}
}

func missingWhole() Missing {
	return Missing{"whole",
		"还没有一张确认“整条裂缝都在画面内”的照片:请把裂缝从头到尾拍进一张,并勾选。",
		"No photo is confirmed to show the whole crack: take it from end to end in one picture, and tick it."}
}

func missingSizes(defect schema.Row) []Missing {
	var out []Missing
	if defect.Int("drawing_size") <= 0 {
		out = append(out, Missing{"drawing-size",
			"还没有填原图纸要求的尺寸(毫米)。",
			"The size on the drawing (mm) is missing."})
	}
	if defect.Int("actual_size") <= 0 {
		out = append(out, Missing{"actual-size",
			"还没有填现在工厂生产的尺寸(毫米)。",
			"The size that the factory produced (mm) is missing."})
	}
	return out
}

func adviseScale(class string) Missing {
	if class == WrongSize {
		return Missing{"tape",
			"还没有带卷尺的标尺照片:请把卷尺贴在量的位置,刻度看得清楚。",
			"There is no photo with the tape measure: lay it where you measured, with its marks readable."}
	}
	return Missing{"scale",
		"建议在裂缝旁放一把尺或一枚硬币,再拍一张标尺照片。",
		"A photo with a ruler or a coin beside the crack would help."}
}

// SizeDifference is produced minus drawing size in millimetres (DE-06); false
// while one of them is missing.
func SizeDifference(defect schema.Row) (int64, bool) {
	d, a := defect.Int("drawing_size"), defect.Int("actual_size")
	return a - d, d > 0 && a > 0
}
