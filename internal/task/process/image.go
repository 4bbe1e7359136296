package process

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"flyball/internal/workload"
)

// images are the commands that images stand for, by image name.
type images map[string][]string

// newImages puts together the built-in images and those that the operator mapped.
func newImages(opts Options) (images, error) {
	executable := opts.Executable
	if executable == "" {
		var err error
		if executable, err = os.Executable(); err != nil {
			return nil, err
		}
	}
	all := images{}
	for _, name := range workload.Names() {
		all["flyball/"+name] = slices.Concat([]string{executable}, opts.Args, []string{name})
	}
	for name, line := range opts.Images {
		words, err := splitWords(line)
		if err != nil {
			return nil, fmt.Errorf("the command of image %s: %w", name, err)
		}
		if name == "" || len(words) == 0 {
			return nil, fmt.Errorf("--image %s=%s: give a name and a command", name, line)
		}
		all[name] = words
	}
	return all, nil
}

// find returns the command that an image stands for, if it is one of these.
func (all images) find(image string) (command []string, ok bool) {
	if command, ok = all[image]; !ok {
		command, ok = all[withoutTag(image)]
	}
	return command, ok
}

// withoutTag cuts the tag and digest off an image name:
// "localhost:5000/app:1.2@sha256:..." is "localhost:5000/app".
func withoutTag(image string) string {
	image, _, _ = strings.Cut(image, "@")
	if i := strings.LastIndexByte(image, ':'); i > strings.LastIndexByte(image, '/') {
		image = image[:i]
	}
	return image
}

// splitWords splits a command line as a shell would, without expanding
// anything: blanks separate words, single quotes keep all they enclose, double
// quotes keep blanks, a backslash keeps the next character.
func splitWords(line string) ([]string, error) {
	var (
		words   []string
		word    strings.Builder
		inWord  bool
		quote   byte
		escaped bool
	)
	for _, c := range []byte(line) {
		switch {
		case escaped:
			if quote == '"' && c != '"' && c != '\\' {
				word.WriteByte('\\')
			}
			word.WriteByte(c)
			escaped = false
		case c == '\\' && quote != '\'':
			escaped, inWord = true, true
		case quote != 0 && c == quote:
			quote = 0
		case quote != 0:
			word.WriteByte(c)
		case c == '\'' || c == '"':
			quote, inWord = c, true
		case c == ' ' || c == '\t' || c == '\n':
			if inWord {
				words = append(words, word.String())
				word.Reset()
				inWord = false
			}
		default:
			word.WriteByte(c)
			inWord = true
		}
	}
	if quote != 0 || escaped {
		return nil, errors.New("a quote or a backslash is left open")
	}
	if inWord {
		words = append(words, word.String())
	}
	return words, nil
}
