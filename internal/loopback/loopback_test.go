package loopback

import (
	"net"
	"net/netip"
	"testing"
)

func TestAddressesAreGivenOutOnce(t *testing.T) {
	var mine, others Addresses
	seen := map[netip.Addr]bool{}
	for range 3 {
		for _, a := range []*Addresses{&mine, &others} {
			ip := a.Take("same")
			if ip == localhost {
				t.Skip("the system has only 127.0.0.1")
			}
			if seen[ip] || !Range.Contains(ip) {
				t.Fatalf("gave out %v, after %v", ip, seen)
			}
			seen[ip] = true
			t.Cleanup(func() { a.Release(ip) })
		}
	}
}

func TestAnAddressThatIsReleasedIsGivenOutAgain(t *testing.T) {
	var a Addresses
	first := a.Take("web")
	a.Release(first)
	if again := a.Take("web"); again != first {
		t.Errorf("got %v, want %v", again, first)
	}
	a.Release(first)
}

func TestAnAddressOfAnEarlierLifeStaysWhoeverHasIt(t *testing.T) {
	var other, mine Addresses
	ip := other.Take("web")
	if ip == localhost {
		t.Skip("the system has only 127.0.0.1")
	}
	defer other.Release(ip)
	mine.Keep(ip)
	defer mine.Release(ip)
	if got := mine.Take("web"); got == ip {
		t.Errorf("gave out %v, which is kept", got)
	} else {
		mine.Release(got)
	}
	l, err := net.Listen("tcp", netip.AddrPortFrom(ip, 0).String())
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
}
