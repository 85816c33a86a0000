package centre

// piece is a run of characters that both texts share, or not.
type piece struct {
	Text string
	Same bool
}

// maxDiff bounds the characters that are compared one by one; longer texts
// are compared by their common beginning and end alone.
const maxDiff = 600

// compare cuts two texts into what they share and what differs, character by
// character, so that a clerk sees the one digit that is different.
func compare(a, b string) (left, right []piece) {
	x, y := []rune(a), []rune(b)
	head := 0
	for head < len(x) && head < len(y) && x[head] == y[head] {
		head++
	}
	tail := 0
	for tail < len(x)-head && tail < len(y)-head && x[len(x)-1-tail] == y[len(y)-1-tail] {
		tail++
	}
	mx, my := x[head:len(x)-tail], y[head:len(y)-tail]
	left, right = add(left, x[:head], true), add(right, y[:head], true)
	if len(mx) <= maxDiff && len(my) <= maxDiff {
		l, r := subsequence(mx, my)
		if pl, pr := positions(mx, my); pl != nil && differing(pl) <= differing(l) {
			l, r = pl, pr // the same length, digit for digit: easier to read
		}
		left, right = append(left, l...), append(right, r...)
	} else {
		left, right = add(left, mx, false), add(right, my, false)
	}
	return add(left, x[len(x)-tail:], true), add(right, y[len(y)-tail:], true)
}

func add(p []piece, r []rune, same bool) []piece {
	if len(r) == 0 {
		return p
	}
	if n := len(p); n > 0 && p[n-1].Same == same {
		p[n-1].Text += string(r)
		return p
	}
	return append(p, piece{Text: string(r), Same: same})
}

// positions compares two texts of one length place by place; nil for others.
func positions(x, y []rune) (left, right []piece) {
	if len(x) != len(y) {
		return nil, nil
	}
	for i := range x {
		same := x[i] == y[i]
		left, right = add(left, x[i:i+1], same), add(right, y[i:i+1], same)
	}
	return left, right
}

func differing(p []piece) int {
	n := 0
	for _, x := range p {
		if !x.Same {
			n += len([]rune(x.Text))
		}
	}
	return n
}

// subsequence keeps the longest common subsequence of two texts as same.
func subsequence(x, y []rune) (left, right []piece) {
	long := make([][]int, len(x)+1)
	for i := range long {
		long[i] = make([]int, len(y)+1)
	}
	for i := len(x) - 1; i >= 0; i-- {
		for j := len(y) - 1; j >= 0; j-- {
			if x[i] == y[j] {
				long[i][j] = long[i+1][j+1] + 1
			} else {
				long[i][j] = max(long[i+1][j], long[i][j+1])
			}
		}
	}
	i, j := 0, 0
	for i < len(x) && j < len(y) {
		switch {
		case x[i] == y[j]:
			left, right = add(left, x[i:i+1], true), add(right, y[j:j+1], true)
			i, j = i+1, j+1
		case long[i+1][j] >= long[i][j+1]:
			left = add(left, x[i:i+1], false)
			i++
		default:
			right = add(right, y[j:j+1], false)
			j++
		}
	}
	return add(left, x[i:], false), add(right, y[j:], false)
}
