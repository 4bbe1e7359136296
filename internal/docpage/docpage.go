// Package docpage finds the commands in pages of Markdown, so that a test can run what the
// documentation prints.
//
// A fence whose info string begins with "sh" has commands; Markdown shows nothing of the words
// that follow:
//
//	```sh                          they are run, one page after the other, in order
//	```sh server                   they start a server, in a terminal of its own; one before ends
//	```sh not-run="needs Docker"   they are not run, and the reason says why
//
// Everything else, such as output, has another fence or is indented.
package docpage

import (
	"fmt"
	"regexp"
	"strings"
)

// A Block is a fence with commands.
type Block struct {
	Line   int    // of its first command in the page, from 1
	Text   string // with a newline at its end
	Server bool
	NotRun string // the reason why it is not run, or ""
}

// A Line is a line of a page.
type Line struct {
	Number int
	Text   string
}

// fence is the first line of a fenced block: its mark and its info string.
var fence = regexp.MustCompile("^ {0,3}(```+|~~~+)(.*)$")

// notRun is the word that says why commands are not run.
var notRun = regexp.MustCompile(`^not-run="([^"]+)"$`)

// command is a line that readers would take for a command of theirs.
var command = regexp.MustCompile(`^\s*(\$ |(aws|flyball|\./bin/flyball|curl|docker|make|terraform|python3|export AWS_\w+=\S*|eval) \S)`)

// Parse returns the blocks of a page in their order, and the lines outside of them that look
// like commands.
func Parse(page string) (blocks []Block, stray []Line, err error) {
	var open *Block // the block of commands that the line is in
	mark := ""      // what closes the fence that the line is in
	for i, line := range strings.Split(page, "\n") {
		switch m := fence.FindStringSubmatch(line); {
		case mark != "" && strings.TrimSpace(line) == mark:
			if open != nil {
				blocks = append(blocks, *open)
			}
			open, mark = nil, ""
		case mark == "" && m != nil:
			if mark, open = m[1], nil; strings.HasPrefix(m[2], "sh") {
				if open, err = begin(m[2], i+2); err != nil {
					return nil, nil, fmt.Errorf("line %d: %w", i+1, err)
				}
			}
		case open != nil:
			open.Text += line + "\n"
		case (mark != "" || strings.HasPrefix(line, "    ")) && command.MatchString(line):
			stray = append(stray, Line{i + 1, line})
		}
	}
	if mark != "" {
		return nil, nil, fmt.Errorf("the fence %s is not closed", mark)
	}
	return blocks, stray, nil
}

// begin reads the info string of a block of commands.
func begin(info string, line int) (*Block, error) {
	b := &Block{Line: line}
	words, rest, _ := strings.Cut(strings.TrimSpace(info), " ")
	rest = strings.TrimSpace(rest)
	reason := notRun.FindStringSubmatch(rest)
	switch {
	case words != "sh":
		return nil, fmt.Errorf("the fence %q: commands are in fences of sh", info)
	case rest == "server":
		b.Server = true
	case reason != nil:
		b.NotRun = reason[1]
	case rest != "":
		return nil, fmt.Errorf(`the fence %q: give nothing, server or not-run="REASON" after sh`, info)
	}
	return b, nil
}

// Script is what one shell runs for a page: its blocks in order, each after the line that
// announce prints for it. What starts a server is handed to the function serve.
func Script(blocks []Block, announce func(Block) string) string {
	var b strings.Builder
	for _, block := range blocks {
		if block.NotRun != "" {
			continue
		}
		fmt.Fprintf(&b, "printf '%%s\\n' '%s'\n", announce(block))
		if block.Server {
			fmt.Fprintf(&b, "the_server() {\n%s}\nserve\n", block.Text)
		} else {
			b.WriteString(block.Text)
		}
	}
	return b.String()
}
