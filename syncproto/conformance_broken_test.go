package syncproto_test

import (
	"bytes"
	"encoding/hex"
	"slices"
)

// parts is a change as pairs of encoded key and value, to be taken apart.
type parts []part

type part struct{ key, value string } // hex

// whole are the pairs of a plain insert.
func whole() parts {
	id := "50" + hex.EncodeToString(idBytes(1))
	return parts{
		{"01", "01"}, {"02", "1b0000000100000000"}, {"03", "1903e8"}, {"04", "01"}, {"05", "f5"}, {"06", "646e6f7465"}, {"07", id}, {"08", "01"},
		{"09", "00"}, {"0a", "a0"}, {"0b", id}, {"0c", "01"}, {"0e", id}, {"0f", "05"}, {"10", id},
	}
}

func idBytes(n byte) []byte { id := fixed(n); return id[:] }

func (p parts) bytes() []byte {
	out := []byte{0xa0 | byte(len(p))}
	if len(p) > 23 {
		out = []byte{0xb8, byte(len(p))}
	}
	for _, x := range p {
		k, _ := hex.DecodeString(x.key)
		v, _ := hex.DecodeString(x.value)
		out = append(append(out, k...), v...)
	}
	return out
}

func (p parts) with(key, value string) parts {
	out := slices.Clone(p)
	for i := range out {
		if out[i].key == key {
			out[i].value = value
			return out
		}
	}
	return append(out, part{key, value})
}

func (p parts) without(key string) parts {
	return slices.DeleteFunc(slices.Clone(p), func(x part) bool { return x.key == key })
}

func undecodables() []undecodableVector {
	var out []undecodableVector
	add := func(name, why string, b []byte) {
		out = append(out, undecodableVector{name, hex.EncodeToString(b), why})
	}
	w := whole()
	add("no bytes", "there is no item", nil)
	add("cut", "the item is not complete", w.bytes()[:len(w.bytes())-1])
	add("something behind", "one item and nothing after it", append(w.bytes(), 0xf6))
	add("a list", "a change is a map", []byte{0x80})
	add("null", "a change is a map", []byte{0xf6})
	add("an empty map", "keys are missing", []byte{0xa0})
	for _, p := range w {
		add("key "+p.key+" (hex) is missing", "keys 1 to 12 and 14 to 16 are always there", w.without(p.key).bytes())
		add("key "+p.key+" (hex) is null", "null is no value of a key", w.with(p.key, "f6").bytes())
	}
	add("a map of indefinite length", "definite lengths alone", slices.Concat([]byte{0xbf}, w.bytes()[1:], []byte{0xff}))
	add("a text of indefinite length", "definite lengths alone", w.with("06", "7f646e6f7465ff").bytes())
	add("a tag", "no tags", w.with("03", "c11903e8").bytes())
	add("a tag in cols", "no tags", w.with("0a", "a16161c249010000000000000000").bytes())
	add("a tag under an unknown key", "no tags", w.with("1863", "c101").bytes())
	add("a key twice", "no duplicate keys", append(slices.Clone(w), part{"01", "02"}).bytes())
	add("a key twice, once in a longer form", "no duplicate keys", append(slices.Clone(w), part{"1801", "02"}).bytes())
	add("a column twice", "no duplicate keys", w.with("0a", "a2616101616102").bytes())
	add("an unknown key twice", "no duplicate keys", append(w.with("1863", "01"), part{"1863", "02"}).bytes())
	add("a key twice under an unknown key", "no duplicate keys", w.with("1863", "a2616101616102").bytes())
	add("a table name that is no UTF-8", "valid UTF-8", w.with("06", "61ff").bytes())
	add("a value that is no UTF-8", "valid UTF-8", w.with("0a", "a1616161ff").bytes())
	add("no UTF-8 under an unknown key", "valid UTF-8", w.with("1863", "61ff").bytes())
	add("NaN in cols", "finite floats", w.with("0a", "a16161f97e00").bytes())
	add("infinity in cols", "finite floats", w.with("0a", "a16161f97c00").bytes())
	add("infinity under an unknown key", "finite floats", w.with("1863", "fb7ff0000000000000").bytes())
	add("nested five deep", "nesting of at most 4, the change itself being 1", w.with("0a", "a1616181818101").bytes())
	add("nested five deep under an unknown key", "nesting of at most 4", w.with("1863", "8181818101").bytes())
	add("a row of 15 bytes", "ids are 16 bytes", w.with("07", "4f"+hex.EncodeToString(bytes.Repeat([]byte{1}, 15))).bytes())
	add("a row as text", "ids are bytes", w.with("07", "7030313233343536373839616263646566").bytes())
	add("a row as a list of 16 numbers", "ids are bytes", w.with("07", "90"+hex.EncodeToString(bytes.Repeat([]byte{1}, 16))).bytes())
	add("a salt of 17 bytes", "the salt is 16 bytes", w.with("10", "51"+hex.EncodeToString(bytes.Repeat([]byte{1}, 17))).bytes())
	add("a table name as bytes", "the table is text", w.with("06", "446e6f7465").bytes())
	add("a negative seq", "seq is unsigned", w.with("01", "20").bytes())
	add("seq as a float", "seq is an integer", w.with("01", "f93c00").bytes())
	add("seq of 2^63", "seq < 2^63", w.with("01", "1b8000000000000000").bytes())
	add("txn of 2^63", "txn < 2^63", w.with("04", "1b8000000000000000").bytes())
	add("base of 2^63", "base < 2^63", w.with("09", "1b8000000000000000").bytes())
	add("mono of 2^63", "mono < 2^63", w.with("0f", "1b8000000000000000").bytes())
	add("wall of 2^63", "wall is an int64", w.with("03", "1b8000000000000000").bytes())
	add("last as a number", "last is a bool", w.with("05", "01").bytes())
	add("op 0", "1 insert, 2 update, 3 delete", w.with("08", "00").bytes())
	add("op 4", "1 insert, 2 update, 3 delete", w.with("08", "04").bytes())
	add("op 257", "no number wraps around", w.with("08", "190101").bytes())
	add("cols as a list", "cols is a map", w.with("0a", "80").bytes())
	add("cols with a number as key", "columns are named by text", w.with("0a", "a10101").bytes())
	add("an insert with was", "was belongs to an update alone", w.with("0d", "a0").bytes())
	add("a delete with was", "was belongs to an update alone", w.with("08", "03").with("0d", "a0").bytes())
	add("an update without was", "an update always has was", w.with("08", "02").bytes())
	add("was with a number as key", "columns are named by text", w.with("08", "02").with("0d", "a10101").bytes())
	return out
}

type readable struct {
	name string
	raw  []byte
	why  string
}

// readables are not what a phone should write, and are read all the same.
func readables() []readable {
	w := whole()
	reversed := slices.Clone(w)
	slices.Reverse(reversed)
	return []readable{
		{"plain", w.bytes(), "the change that the others vary"},
		{"keys in another order", reversed.bytes(), "order does not matter when reading"},
		{"numbers in a longer form than needed", w.with("01", "1b0000000000000001").with("09", "1800").bytes(), "any well-formed item"},
		{"a key in a longer form than needed", append(w.without("0f"), part{"180f", "05"}).bytes(), "any well-formed item"},
		{"a double where a half would do", w.with("0a", "a16161fb3ff0000000000000").bytes(), "any well-formed item"},
		{"an unknown key", w.with("1863", "6178").bytes(), "unknown keys are kept in the bytes and ignored"},
		{"an unknown key that is text", w.with("627a7a", "a1616101").bytes(), "unknown keys are kept in the bytes and ignored"},
		{"an unknown key with a list four deep", w.with("1863", "81818101").bytes(), "nesting of at most 4"},
		{"the highest hlc", w.with("02", "1bffffffffffffffff").bytes(), "hlc is any uint64"},
		{"an update with an empty was", w.with("08", "02").with("0d", "a0").bytes(), "was is there, even when empty"},
		{"seq 0", w.with("01", "00").bytes(), "readable; whether a number fits its place is the log's check"},
		{"a delete with columns", w.with("08", "03").with("0a", "a1616101").bytes(), "readable; held as bad-value"},
		{"an undefined value", w.with("0a", "a16161f7").bytes(), "reads as null"},
	}
}
