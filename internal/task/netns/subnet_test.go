package netns

import (
	"net/netip"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestNetworksOfARangeAreInItAndOverlapNone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		from := netip.PrefixFrom(netip.MustParseAddr("100.64.0.0"), rapid.IntRange(12, 24).Draw(t, "bits"))
		found := slices.SortedFunc(networks(from, rapid.String().Draw(t, "name")), netip.Prefix.Compare)
		for i, network := range found {
			if !from.Overlaps(network) || network.Bits() < from.Bits() || network != network.Masked() {
				t.Fatalf("%v is no network of %v", network, from)
			}
			if i > 0 && network.Overlaps(found[i-1]) {
				t.Fatalf("%v overlaps %v", network, found[i-1])
			}
		}
		if want := 1 << max(0, networkBits-from.Bits()); len(found) != want {
			t.Fatalf("%d networks in %v, want %d", len(found), from, want)
		}
	})
}

func TestBridgesOfDifferentNamesBeginAtDifferentNetworks(t *testing.T) {
	first := map[netip.Prefix]bool{}
	for _, name := range []string{"fb-00000001", "fb-00000002", "fb-00000003"} {
		for network := range networks(netip.MustParsePrefix("100.64.0.0/10"), name) {
			first[network] = true
			break
		}
	}
	if len(first) != 3 {
		t.Errorf("three bridges begin at %v", first)
	}
}

func TestRangesThatHaveNoNetworkAreRefused(t *testing.T) {
	for _, from := range []string{"0.0.0.0/0", "100.64.0.0/25", "fd00::/8"} {
		if CheckRange(netip.MustParsePrefix(from)) == nil {
			t.Errorf("%s was accepted", from)
		}
	}
}

func TestADevicesNameTellsItsAddress(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		addr := address(rapid.Uint32().Draw(t, "address"))
		if got, ok := portAddress(portName(addr)); !ok || got != addr || len(portName(addr)) > 15 {
			t.Fatalf("device %q leads to %v, want %v", portName(addr), got, addr)
		}
	})
	for _, name := range []string{"", "eth0", "fb-1a2b3c4d", "fb6440000", "fb644000011", "fbxyzxyzxy", "FB64400001"} {
		if addr, ok := portAddress(name); ok {
			t.Errorf("device %q is taken for one that leads to %v", name, addr)
		}
	}
}
