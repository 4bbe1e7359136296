package server

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestOnlyWhatTheFileHasIsGivenBack(t *testing.T) {
	const smaps = `00400000-0040b000 r-xp 00000000 fd:01 1234 /usr/bin/flyball
Size:                 44 kB
Rss:                  44 kB
Anonymous:             0 kB
VmFlags: rd ex mr mw me dw
0040b000-0040c000 r--p 0000b000 fd:01 1234 /usr/bin/flyball
Anonymous:             4 kB
0040c000-0040d000 rw-p 0000c000 fd:01 1234 /usr/bin/flyball
Anonymous:             0 kB
0050c000-0050d000 r--p 0000c000 fd:01 1234 /usr/bin/flyball
Anonymous:             0 kB
7f0000000000-7f0000001000 r-xp 00000000 fd:01 99 /usr/lib/libc.so.6
Anonymous:             0 kB
7f0000002000-7f0000003000 rw-p 00000000 00:00 0
Anonymous:             0 kB
`
	got := unchanged(strings.NewReader(smaps), "/usr/bin/flyball")
	if want := []mapping{{0x400000, 0x40b000}, {0x50c000, 0x50d000}}; !slices.Equal(got, want) {
		t.Errorf("%x, want %x", got, want)
	}
}

func TestAProgramRunsOnWhenItIsGivenBack(t *testing.T) {
	for range 10 {
		if err := releaseProgram(); err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(strings.Repeat("x", 3)); got != "xxx" {
			t.Error(got)
		}
	}
}
