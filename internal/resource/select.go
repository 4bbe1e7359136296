package resource

import (
	"path"
	"slices"
	"strings"
)

// Select returns those of some services and functions that texts name, in their order: each
// by its name, by that of its cluster, or by a pattern such as demo/* or *-api. Without texts
// it is all of them. A text that names none is a *Missing or a *BadName.
func Select(there []Name, region string, texts ...string) ([]Name, error) {
	if len(texts) == 0 {
		return there, nil
	}
	wanted := map[Name]bool{}
	for _, text := range texts {
		found, err := named(text, there)
		if err != nil {
			return nil, err
		}
		if len(found) == 0 {
			n := Name{ID: text}
			return nil, &Missing{Name: n, Of: []Kind{Service, Function, Cluster}, Region: region, Near: nearest(n, there), Others: there}
		}
		for _, n := range found {
			wanted[n] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(there), func(n Name) bool { return !wanted[n] }), nil
}

// named returns what one text names.
func named(text string, there []Name) (found []Name, err error) {
	if strings.ContainsAny(text, "*?") {
		return filter(there, func(n Name) bool { return like(text, n.String()) || like(text, n.ID) }), nil
	}
	candidates, err := Parse(text, Service, Function, Cluster)
	for _, c := range candidates {
		if c.Kind == Cluster {
			found = append(found, filter(there, func(n Name) bool { return n.Cluster == c.ID })...)
		} else {
			found = append(found, match(c, there)...)
		}
	}
	return found, err
}

func filter(names []Name, keep func(Name) bool) []Name {
	return slices.DeleteFunc(slices.Clone(names), func(n Name) bool { return !keep(n) })
}

// like reports whether a name matches a pattern.
func like(pattern, name string) bool {
	ok, err := path.Match(pattern, name)
	return ok && err == nil
}
