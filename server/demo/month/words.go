package month

// Names that people of the sample data are put together from. Two characters
// are rare on purpose: 𠮷 stands outside the basic plane, 䶮 is missing in
// many fonts.
var surnames = []string{"王", "李", "张", "刘", "陈", "杨", "黄", "赵", "吴", "周", "徐", "孙", "马", "朱", "胡", "郭", "何", "林", "高", "罗",
	"郑", "梁", "谢", "宋", "唐", "许", "韩", "冯", "邓", "曹", "彭", "曾", "肖", "田", "董", "潘", "袁", "蔡", "蒋", "余",
	"于", "杜", "叶", "程", "魏", "苏", "吕", "丁", "任", "卢", "姚", "沈", "钟", "姜", "崔", "谭", "陆", "范", "汪", "廖", "欧阳", "司徒", "䶮", "𠮷"}

var givenNames = []string{"秀英", "建华", "桂兰", "志强", "玉梅", "海燕", "国庆", "丽华", "文静", "晓东", "雪梅", "立新", "春生", "红霞", "明辉", "佳怡",
	"子轩", "雨桐", "浩然", "欣妍", "俊杰", "思远", "慧敏", "永康", "凤英", "大勇", "小红", "家豪", "诗涵", "一鸣", "梓涵", "宏伟",
	"美玲", "振华", "金凤", "学军", "巧云", "少华", "爱民", "艳芳", "卫东", "素珍", "云飞", "长江", "晨曦", "婉清", "天佑", "若溪"}

type neighbourhood struct {
	name, street, gate  string
	quietFrom, quietTo  int64 // minutes of the day
	buildings, landmark int
}

var neighbourhoods = []neighbourhood{
	{"锦绣花园", "临江市文昌路 88 号", "东门登记,货车走北门", 720, 840, 18, 0},
	{"翠湖天地", "临江市环湖东路 1 号", "需业主电话确认", 720, 870, 24, 0},
	{"阳光水岸", "临江市滨江大道 366 号", "", 750, 840, 12, 0},
	{"金桂苑", "临江市桂花街 25 号", "电梯需铺保护垫", 720, 840, 9, 0},
	{"时代名邸", "临江市人民南路 508 号", "施工须押金 200 元", 720, 840, 16, 0},
	{"书香门第", "临江市学府路 17 号", "", 690, 840, 14, 0},
	{"凤凰城", "临江市凤凰大街 199 号", "南门登记", 720, 840, 32, 0},
	{"江南世家", "临江市江南路 77 号", "", 0, 0, 11, 0},
	{"和谐家园", "临江市建设路 230 号", "周末 9 点后方可施工", 720, 840, 22, 0},
	{"紫薇公馆", "临江市紫薇路 6 号", "登记身份证", 720, 870, 8, 0},
	{"春江花月", "临江市春江路 118 号", "", 750, 840, 20, 0},
	{"东方明珠苑", "临江市东方路 300 号", "", 720, 840, 15, 0},
	{"绿城玫瑰", "临江市玫瑰街 12 号", "货梯 8–11 点、14–17 点", 720, 840, 10, 0},
	{"老机械厂宿舍", "临江市工人路 3 号", "", 0, 0, 7, 0},
	{"龙湖里", "临江市龙湖路 55 号", "", 720, 840, 13, 0},
	{"望江楼小区", "临江市望江路 41 号", "地下车库限高 2.1 米", 720, 840, 6, 0},
}

var stores = []string{"居然馆店", "红星店", "建材城店", "旗舰店"}
var designers = []string{"林晓", "苏敏", "郑凯", "何雨", "方志远"}

type product struct {
	category, model, material, profile, band string
	width, high                              int
}

var products = []product{
	{"kitchen", "雅致 K3", "烤漆门板·暖白", "直边", "PVC 1.0 同色", 3600, 720},
	{"kitchen", "北欧 K5", "双饰面·原木橡", "R2 圆边", "ABS 1.2 木纹", 4200, 720},
	{"kitchen", "经典 K7", "吸塑门板·鼠尾草绿", "经典凹槽", "PVC 0.8 同色", 3900, 720},
	{"kitchen", "轻奢 K9", "肤感膜·石墨蓝", "直边隐形拉手", "PVC 1.0 同色", 4500, 760},
	{"wardrobe", "简约 W2", "双饰面·浅灰", "直边", "ABS 1.0 浅灰", 2600, 2380},
	{"wardrobe", "和风 W4", "双饰面·胡桃", "R1 圆边", "ABS 1.2 木纹", 3100, 2380},
	{"wardrobe", "新中式 W6", "实木贴皮·黑胡桃", "斜边", "实木 3.0", 2800, 2400},
	{"door", "静音 D1", "实木复合·白", "直边", "同材", 860, 2080},
	{"door", "木门 D3", "实木贴皮·胡桃", "直边", "同材", 900, 2100},
	{"window", "断桥 70", "铝合金·深灰", "—", "—", 1800, 1500},
	{"purifier", "清泉 R600", "反渗透 600G", "—", "—", 420, 440},
	{"appliance", "吸油烟机 C9", "不锈钢", "—", "—", 900, 520},
	{"bathroom", "浴室柜 B2", "橡木·多层实木", "直边", "PVC 1.0", 800, 520},
}

// complaint is what customers ring about, what is found and what is done.
type trouble struct {
	asked, fault, cause, measure, part string
	fee                                string // item of the fee standard
}

var troubles = []trouble{
	{"柜门关不严,有缝", "左侧吊柜门与侧板缝隙约 4 mm", "铰链螺丝松动", "调整铰链并紧固,六扇门统一校正", "", "hinge-adjust"},
	{"抽屉推拉不顺", "下抽屉卡滞、有异响", "导轨积尘变形", "更换三节静音导轨一副", "三节导轨 450 mm", "rail-replace"},
	{"水槽下面漏水", "下水管接口渗水,柜底板受潮", "密封圈老化", "更换密封圈,擦干并通风", "下水密封圈", "seal-replace"},
	{"台面接缝发黑", "台面接缝处开胶发黑", "接缝胶老化", "清缝、重新打胶", "", "seam-reglue"},
	{"拉手松了", "三个拉手松动", "固定螺丝滑丝", "更换螺丝并加弹簧垫", "", "handle-fix"},
	{"衣柜移门掉轨", "右移门下轮脱轨", "下轮磨损", "更换下轮一对并调平", "移门下轮", "wheel-replace"},
	{"净水器换滤芯", "滤芯到期,出水慢", "到期更换", "更换 PAC 复合滤芯,冲洗 10 分钟", "PAC 复合滤芯", "filter-replace"},
	{"油烟机噪音大", "风轮积油,运转有共振", "风轮失衡", "清洗风轮,紧固支架", "", "hood-clean"},
	{"木门合页有响声", "主卧门开合异响", "合页缺油、下垂 2 mm", "合页上油并调整", "", "hinge-adjust"},
	{"吊码松动,吊柜下沉", "吊柜右端下沉约 6 mm", "吊码螺丝松动", "重新吊挂并加固", "吊码", "cabinet-rehang"},
	{"气撑没力了", "上翻门气撑回落", "气撑漏气", "更换 100N 气撑一对", "气撑 100N", "strut-replace"},
	{"玻璃胶发霉", "台面与墙面打胶处发霉", "通风不良", "铲除旧胶、重打防霉胶", "防霉胶", "seam-reglue"},
}

type fee struct {
	item, name, english, unit string
	price                     int64 // fen
}

var feeStandard = []fee{
	{"visit", "上门检测费", "Call-out", "次", 3000},
	{"hinge-adjust", "铰链调整", "Hinge adjustment", "次", 4000},
	{"rail-replace", "更换导轨", "Rail replacement", "副", 12000},
	{"seal-replace", "更换密封件", "Seal replacement", "处", 6000},
	{"seam-reglue", "重新打胶", "Re-gluing a seam", "米", 8000},
	{"handle-fix", "拉手维修", "Handle repair", "个", 1500},
	{"wheel-replace", "更换移门轮", "Sliding-door wheels", "对", 15000},
	{"filter-replace", "更换滤芯", "Filter replacement", "支", 38000},
	{"hood-clean", "油烟机清洗", "Hood cleaning", "台", 20000},
	{"cabinet-rehang", "吊柜重新吊挂", "Re-hanging a cabinet", "组", 18000},
	{"strut-replace", "更换气撑", "Strut replacement", "对", 9000},
	{"panel-replace", "更换门板", "Panel replacement", "块", 46000},
	{"move-install", "拆装移位", "Removal and re-installation", "组", 80000},
	{"hole-cut", "台面开孔", "Cutting a hole in the top", "个", 12000},
}

var comments = []string{"", "", "", "师傅很准时", "做得很细心,收拾得也干净", "态度好", "等了一会儿,问题解决了", "满意", "讲解很清楚"}

var complaints = []string{
	"约好上午来,下午两点才到,没有提前电话", "维修后第二天又松了", "收费没有事先说明", "安装时划伤地板", "台面颜色和样板不一样",
	"电话三次没人接", "配件等了十天还没到", "师傅走后垃圾没带走", "门板到货有磕碰,要求尽快换",
}

// defectText is what an installer writes beside a defect, by class.
var defectText = map[string][]string{
	"door_colour": {"左起第三块门板比旁边明显偏黄,自然光下两米外可见", "下柜中间门板色号与其他不一致,偏暗", "衣柜第二扇门与左右色差明显"},
	"door_crack":  {"门板表面自上而下裂开约 60 厘米,可见基材", "烤漆面开裂,手摸有台阶"},
	"door_warp":   {"门板右上角翘起约 7 毫米,关不严", "衣柜门中部变形,与侧板有缝"},
	"top_crack":   {"台面前沿向内开裂约 50 厘米,贯穿板厚", "灶台口旁台面开裂"},
	"top_colour":  {"台面两段接缝两侧颜色不同,右段偏黄", "新补台面与原台面色差明显"},
	"wrong_size":  {"侧板高度比图纸少 15 毫米,门板对不齐"},
}

var scripts = [][3]string{
	{"booking", "您好,我是品牌橱柜的售服师傅,姓{姓},想和您约一下上门的时间,您看{时间}方便吗?", "Hello, this is the service technician. May I come at {time}?"},
	{"arrival", "您好,我是售服师傅,按约定来为您服务,这是我的工作证,我先穿鞋套。", "Hello, I am the technician you are expecting. Here is my badge; I will put on shoe covers."},
	{"finish", "已经为您处理好了,请您检查一下;以后有问题请拨打服务专线。", "It is done; please have a look. For anything else call the service line."},
}
