package main

import "testing"

func TestARegionShowsOnlyItsOwn(t *testing.T) {
	east, west := &region{}, &region{prefix: west}
	for _, c := range []struct {
		tree string
		in   *region
		want kind
	}{
		{"tree-1", east, ""},
		{"west-tree-2", west, ""},
		{"tree-1", west, lost},
		{"west-tree-2", east, lost},
		{clusterName, east, ""},
		{clusterName, west, ""},
	} {
		shown, all := newWorld(), newWorld()
		shown.facts[key{c.tree, "target", ""}] = targetFact(0, 1)
		all.add(shown, c.in)
		expect(t, all.strays, c.want)
		if len(all.facts) != 1 {
			t.Errorf("of %s is known: %v", c.tree, all.facts)
		}
	}
}
