package fieldwork

// The words of summary format 1. They never change: a signature of today must
// still be checked in ten years. A new wording is a new format.
var (
	outcomeWords = map[string]string{
		"solved": "已解决 solved", "unsolved": "未解决 not solved", "parts": "需配件 needs parts",
		"absent": "客户不在 customer absent", "judge": "需判定 needs judgement",
	}
	classWords = map[string]string{
		TopCrack: "台面开裂 countertop crack", TopWarp: "台面变形 countertop deformation", TopColour: "台面色差 countertop colour difference",
		DoorWarp: "门板变形 door-panel deformation", DoorColour: "门板色差 door-panel colour difference", DoorCrack: "门板表面开裂 door-panel surface crack",
		WrongSize: "尺寸错 wrong size", OtherClass: "其他 other",
	}
	leftoverClass = map[string]string{"hq": "总部差错 headquarters", "store": "商场或售后 store or after-sales"}
	basisWords    = map[string]string{
		BasisStandard: "依收费标准 by the fee standard", BasisCard: "依保修证 by the warranty card", BasisBelow: "低于标准 below the standard",
	}
)
