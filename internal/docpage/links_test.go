package docpage

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestLinksAndAnchorsAreThoseOfTheProse(t *testing.T) {
	const page = "# Who may call\n\nSee [data](data.md#a-full-disk), [it](#who-may-call) and [AWS](https://aws.amazon.com/).\n" +
		"```sh\n# no heading\necho [x](y)\n```\n## `flyball` and *more*\n`[code](z)` ![demo](demo.svg)\n"
	if got, want := Links(page), []Link{{3, "data.md#a-full-disk"}, {3, "#who-may-call"}, {9, "demo.svg"}}; !slices.Equal(got, want) {
		t.Errorf("links %v, want %v", got, want)
	}
	if got, want := Anchors(page), map[string]bool{"who-may-call": true, "flyball-and-more": true}; !maps.Equal(got, want) {
		t.Errorf("anchors %v, want %v", got, want)
	}
}

// Each link of the repository's pages leads to a file, and to a heading of it if it names one.
func TestLinksOfAllPagesLeadSomewhere(t *testing.T) {
	root := filepath.Join("..", "..")
	err := filepath.WalkDir(root, func(file string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (entry.Name() == "node_modules" || file != root && strings.HasPrefix(entry.Name(), ".")):
			return filepath.SkipDir
		case strings.HasSuffix(file, ".md"):
			return checkLinks(t, file)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func checkLinks(t *testing.T, file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	for _, l := range Links(string(text)) {
		name, part, _ := strings.Cut(l.Target, "#")
		to := file
		if name != "" {
			to = filepath.Join(filepath.Dir(file), name)
		}
		found, err := os.ReadFile(to)
		if info, statErr := os.Stat(to); statErr == nil && info.IsDir() {
			err = nil
		}
		switch {
		case err != nil:
			t.Errorf("%s:%d: %s leads nowhere", file, l.Line, l.Target)
		case part != "" && strings.HasSuffix(to, ".md") && !Anchors(string(found))[part]:
			t.Errorf("%s:%d: %s has no heading %s", file, l.Line, to, part)
		}
	}
	return nil
}
