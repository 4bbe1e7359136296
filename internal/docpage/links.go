package docpage

import (
	"regexp"
	"strings"
)

// A Link leads from a page to another, or to a part of one.
type Link struct {
	Line   int
	Target string // such as limits.md#a-full-disk, or #limits
}

var (
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`^#{1,6} +(.+?) *$`)
	code    = regexp.MustCompile("`[^`]*`")
)

// Links are the links of a page that lead to files.
func Links(page string) (all []Link) {
	for _, line := range prose(page) {
		for _, m := range link.FindAllStringSubmatch(code.ReplaceAllString(line.Text, ""), -1) {
			if !strings.Contains(m[1], "://") {
				all = append(all, Link{line.Number, m[1]})
			}
		}
	}
	return all
}

// Anchors are the parts of a page that links can lead to: its headings, as GitHub and others
// name them.
func Anchors(page string) map[string]bool {
	all := map[string]bool{}
	for _, line := range prose(page) {
		if m := heading.FindStringSubmatch(line.Text); m != nil {
			all[anchor(m[1])] = true
		}
	}
	return all
}

// anchor is the name of a heading: in small letters, with hyphens for blanks and without signs.
func anchor(heading string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case r == '-' || r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r > 127:
			return r
		}
		return -1
	}, strings.ToLower(heading))
}

// prose are the lines of a page outside of its fences.
func prose(page string) (lines []Line) {
	mark := ""
	for i, text := range strings.Split(page, "\n") {
		switch m := fence.FindStringSubmatch(text); {
		case mark == "" && m != nil:
			mark = m[1]
		case mark != "" && strings.TrimSpace(text) == mark:
			mark = ""
		case mark == "":
			lines = append(lines, Line{i + 1, text})
		}
	}
	return lines
}
