package headquarters_test

import "testing"

func TestPagesParse(t *testing.T) {
	if err := openDesk(t).site.ParsePages(); err != nil {
		t.Error(err)
	}
}
