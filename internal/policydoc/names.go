package policydoc

import (
	"strings"

	"go.yaml.in/yaml/v4"
)

// unknown says that a word is none of those that are known, and which is the nearest.
func unknown(n *yaml.Node, known []string) error {
	if near := nearest(n.Value, known); near != "" {
		return wrong(n, "%s is not known; %s is", shortened(n.Value), near)
	}
	return wrong(n, "%s is not known; %s are", shortened(n.Value), strings.Join(known, ", "))
}

// nearest is the word that is most like another, or nothing where none is.
func nearest(word string, known []string) string {
	best, fewest := "", 1+max(1, (len(word)+1)/3)
	if len(word) > 80 {
		return ""
	}
	for _, one := range known {
		if d := edits(strings.ToLower(word), strings.ToLower(one)); d < fewest {
			best, fewest = one, d
		}
	}
	return best
}

// edits is how many letters are to be put in, left out or exchanged to make one word another.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := before
			if a[i] != b[j] {
				change++
			}
			before = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
