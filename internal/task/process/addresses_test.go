package process

import (
	"net/netip"
	"testing"

	"pgregory.net/rapid"
)

func TestAnAddressIsNeverUsedTwiceAtATime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		prefix := netip.PrefixFrom(netip.MustParseAddr("127.70.0.0"), rapid.IntRange(24, 32).Draw(t, "bits"))
		a, err := newAddresses(prefix, rapid.Uint32().Draw(t, "seed"))
		if err != nil {
			t.Fatal(err)
		}
		held := map[netip.Addr]bool{}
		t.Repeat(map[string]func(*rapid.T){
			"take": func(t *rapid.T) {
				addr, err := a.take("task")
				if err != nil {
					if len(held) < int(a.count)-2 {
						t.Fatalf("take with %d of %d in use: %v", len(held), a.count, err)
					}
					return
				}
				if held[addr] || !prefix.Contains(addr) {
					t.Fatalf("took %v of %v, in use %v", addr, prefix, held)
				}
				held[addr] = true
			},
			"release": func(*rapid.T) {
				for addr := range held {
					a.release(addr, "task")
					delete(held, addr)
					return
				}
			},
		})
	})
}

func TestAnAddressThatWasGivenBackIsNotUsedAgainSoon(t *testing.T) {
	a, err := newAddresses(netip.MustParsePrefix("127.70.0.0/24"), 7)
	if err != nil {
		t.Fatal(err)
	}
	first, _ := a.take("task")
	a.release(first, "task")
	for range 200 {
		addr, err := a.take("task")
		if err != nil || addr == first {
			t.Fatalf("take = %v, %v; want another than %v", addr, err, first)
		}
		a.release(addr, "task")
	}
}

func TestAnAddressThatATaskHasIsNotReservedOrReleasedForAnother(t *testing.T) {
	a, err := newAddresses(netip.MustParsePrefix("127.70.0.0/24"), 7)
	if err != nil {
		t.Fatal(err)
	}
	addr := netip.MustParseAddr("127.70.0.9")
	if !a.reserve(addr, "one") || a.reserve(addr, "two") {
		t.Error("want the address to be the first task's only")
	}
	a.release(addr, "two")
	if got := a.used[addr]; got != "one" {
		t.Errorf("the address is task %q's, want it to be the first's", got)
	}
}

func TestOnlyLoopbackAddressesAreGivenToTasks(t *testing.T) {
	for _, prefix := range []string{"10.0.0.0/8", "126.0.0.0/7", "::1/128", "0.0.0.0/0"} {
		if _, err := newLoopback(netip.MustParsePrefix(prefix), "flyball-test"); err == nil {
			t.Errorf("%s was accepted", prefix)
		}
	}
}
