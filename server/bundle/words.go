package bundle

import (
	"cmp"
	"maps"
	"slices"

	"github.com/google/uuid"

	"siteledger/syncproto/schema"
)

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// entryWords name the server's own entries about a whole stream.
func entryWords(table string) (Words, bool) {
	switch table {
	case "server.history":
		return Words{"服务器恢复备份,开始新的历史", "Server restored from a backup, a new history"}, true
	case "server.upgraded":
		return Words{"服务器升级表结构", "Server took a newer schema"}, true
	}
	return Words{}, false
}

func roleWords(r schema.Role, actor uuid.UUID) Words {
	if actor == uuid.Nil {
		return Words{}
	}
	w, ok := map[schema.Role]Words{
		schema.Installer: {"师傅", "installer"}, schema.Clerk: {"客服", "clerk"}, schema.Supervisor: {"主管", "supervisor"},
		schema.Adjudicator: {"判定员", "adjudicator"}, schema.Admin: {"管理员", "administrator"},
	}[r]
	if !ok {
		return Words{string(r), string(r)}
	}
	return w
}

func outcomeWords(code, reason string) (Words, string) {
	w, ok := map[string]Words{
		"merged":   {"与另一处改动按规则合并", "merged with another change by rule"},
		"conflict": {"与另一处改动冲突,由人裁决", "conflicts with another change, a person decides"},
		"held":     {"已收下,未生效,由人裁决", "kept, without effect until a person decides"},
		"denied":   {"已收下,无权限,不生效", "kept, not allowed, without effect"},
	}[code]
	if !ok {
		w = Words{code, code}
	}
	if reason != "" {
		w.ZH, w.EN = w.ZH+"("+reason+")", w.EN+" ("+reason+")"
	}
	if code == "merged" {
		return w, "info"
	}
	return w, "warn"
}

func caseWords(kind string) Words {
	return cmp.Or(map[string]Words{
		"held": {"暂存的改动", "A change that was held"}, "conflict": {"两个值,人来定", "Two values, a person decides"},
		"merged": {"按规则合并", "Merged by rule"}, "handover": {"已离开工单的师傅的记录", "Work of somebody who had left the job"},
		"fork": {"手机日志分叉", "A phone's log continued in two ways"}, "clock": {"手机时钟可疑", "A phone's clock in doubt"},
		"receipt": {"收据号重复或越界", "A receipt number twice or out of range"},
	}[kind], Words{kind, kind})
}

func ruleWords(rule string) Words {
	return cmp.Or(map[string]Words{
		"latest": {"后写的为准", "the later one stands"}, "office": {"办公室为准", "the office stands"}, "field": {"现场为准", "the site stands"},
		"review": {"由人裁决", "a person decides"}, "state": {"状态按步骤", "the state's own steps"}, "fact": {"事实不改", "facts are not changed"},
	}[rule], Words{rule, rule})
}
