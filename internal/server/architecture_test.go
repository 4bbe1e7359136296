package server_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// A package is a line of the list in docs/architecture.md, and imports only what stands
// before it.
func TestPackagesImportWhatStandsBeforeThem(t *testing.T) {
	list := packageList(t)
	root := filepath.Join("..", "..")
	err := filepath.WalkDir(root, func(file string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		if entry.IsDir() && file != root && (name == "testdata" || name == "examples" || strings.HasPrefix(name, ".")) {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		dir, err := filepath.Rel(root, filepath.Dir(file))
		if err != nil {
			return err
		}
		own := lineOf(list, filepath.ToSlash(dir))
		if own < 0 {
			t.Errorf("package %s is not in the list of docs/architecture.md", dir)
			return nil
		}
		for _, imported := range importsOf(t, file) {
			if line := lineOf(list, imported); line > own {
				t.Errorf("%s imports %s, which stands behind %s in docs/architecture.md", file, imported, list[own])
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// packageList are the folders of the list, in its order.
func packageList(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "architecture.md"))
	if err != nil {
		t.Fatal(err)
	}
	listed, _, _ := strings.Cut(string(text), "## Where things go")
	var list []string
	for _, line := range regexp.MustCompile(`(?m)^    ([a-z/]+(?: [a-z]+/)*) `).FindAllStringSubmatch(listed, -1) {
		folders := strings.Fields(line[1])
		list = append(list, path.Clean(folders[0]))
		for _, beside := range folders[1:] {
			list = append(list, path.Join(path.Dir(path.Clean(folders[0])), beside))
		}
	}
	return list
}

// lineOf is where a folder, or the nearest one above it, stands in the list; -1 if
// nowhere.
func lineOf(list []string, folder string) int {
	for ; folder != "."; folder = path.Dir(folder) {
		if line := slices.Index(list, folder); line >= 0 {
			return line
		}
	}
	return -1
}

// importsOf are the folders of our packages that a file imports.
func importsOf(t *testing.T, file string) []string {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	var folders []string
	for _, i := range parsed.Imports {
		name, err := strconv.Unquote(i.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		if folder, ours := strings.CutPrefix(name, "flyball/"); ours {
			folders = append(folders, folder)
		}
	}
	return folders
}
