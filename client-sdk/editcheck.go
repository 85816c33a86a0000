package clientsdk

import (
	"errors"

	"siteledger/client-sdk/replica"
	"siteledger/syncproto/schema"
)

// writable finds a table that this person may write at all.
func (e *Edit) writable(name string) (*schema.Table, error) {
	t := e.c.schema.Table(name)
	if t == nil || t.Root == schema.RootOffice {
		return nil, refusal(CodeUnknownTable, name, "", "手机上没有这种记录。", "There are no records of this kind on phones.")
	}
	if !t.MayTouch(e.role) {
		return nil, refusal(CodeNotWriter, name, "", "您不能写“"+t.Label.ZH+"”。", "You may not write a "+t.Label.EN+".")
	}
	return t, nil
}

// values turns the caller's values into cells that fit their columns.
func (e *Edit) values(t *schema.Table, cols map[string]any) (map[string]schema.Value, error) {
	out := make(map[string]schema.Value, len(cols))
	for name, v := range cols {
		col := t.Column(name)
		if col == nil {
			return nil, refusal(CodeUnknownColumn, t.Name, name, "“"+t.Label.ZH+"”没有这个字段。", t.Label.EN+" has no such field.")
		}
		value, err := replica.Value(v)
		if err != nil {
			return nil, errors.Join(badValue(t, col), err)
		}
		value = col.Normal(value)
		if value == nil && col.Required {
			return nil, required(t, col)
		}
		if !col.Fits(value) {
			if s, ok := value.(string); ok && s == "" && col.Required {
				return nil, required(t, col)
			}
			return nil, badValue(t, col)
		}
		out[name] = value
	}
	return out, nil
}

func required(t *schema.Table, col *schema.Column) error {
	return refusal(CodeRequired, t.Name, col.Name, "请填写“"+col.Label.ZH+"”。", "Please fill in "+col.Label.EN+".")
}

func badValue(t *schema.Table, col *schema.Column) error {
	return refusal(CodeBadValue, t.Name, col.Name, "“"+col.Label.ZH+"”的内容不对或太长。", "The value of "+col.Label.EN+" is not allowed or too long.")
}

func (e *Edit) mayWrite(t *schema.Table, values map[string]schema.Value) error {
	for name := range values {
		if col := t.Column(name); !t.MayWrite(col, e.role) {
			return refusal(CodeNotWriter, t.Name, name, "您不能写“"+col.Label.ZH+"”。", "You may not write "+col.Label.EN+".")
		}
	}
	return nil
}

// mayUpdate holds what the server would hold or deny: foreign columns, a row
// that moves to another parent, a step that the status does not allow.
func (e *Edit) mayUpdate(t *schema.Table, row schema.Row, values map[string]schema.Value) error {
	if err := e.mayWrite(t, values); err != nil {
		return err
	}
	for name, v := range values {
		col := t.Column(name)
		switch {
		case name == t.ParentColumn:
			return refusal(CodeRule, t.Name, name, "记录不能改到别的“"+col.Label.ZH+"”下。", "A record can't move to another "+col.Label.EN+".")
		case t.RuleOf(col) == schema.State:
			if err := e.mayStep(t, col, row, v); err != nil {
				return err
			}
		}
	}
	return e.holdBlobs(t, values)
}

func (e *Edit) mayStep(t *schema.Table, col *schema.Column, row schema.Row, v schema.Value) error {
	from, _ := row.Cols[col.Name].(string)
	to, _ := v.(string)
	allowed, may := col.Step(from, to, e.role)
	if allowed && may {
		return nil
	}
	code := CodeTransition
	if allowed {
		code = CodeNotWriter
	}
	return refusal(code, t.Name, col.Name,
		"“"+col.Label.ZH+"”现在是“"+col.ValueLabel(from, "zh-CN")+"”,不能改为“"+col.ValueLabel(to, "zh-CN")+"”。",
		col.Label.EN+" is “"+col.ValueLabel(from, "en")+"” now and can't become “"+col.ValueLabel(to, "en")+"”.")
}
