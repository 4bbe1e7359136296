package main

import (
	"strings"

	"flyball/internal/client"
)

// west begins the names of the trees in the second region.
const west = "west-"

// A region is one of the server's, with clients that call it. What is in one is not
// seen in another.
type region struct {
	prefix string         // begins the names of its trees: west, or "" in the first region
	client *client.Client // for reading
	once   *client.Client // for calls that must not be made twice
}

// newRegions are the regions of a server. In the first is what is there for the
// whole run.
func newRegions(url string) []*region {
	regions := []*region{{}, {prefix: west}}
	for i, name := range []string{"us-east-1", "us-west-2"} {
		regions[i].client, regions[i].once = client.New(client.Config{Endpoint: url, Region: name}), newOnce(url, name)
	}
	return regions
}

// holds reports whether a tree is in the region. The cluster is in all of them, and
// nil is all of them.
func (r *region) holds(tree string) bool {
	return r == nil || tree == clusterName || strings.HasPrefix(tree, west) == (r.prefix == west)
}
