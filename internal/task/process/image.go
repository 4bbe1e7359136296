package process

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/syntax"

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
	all := images{workload.Program: nil}
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

// splitWords splits a command line as a shell does. Variables stay as they are written: those
// that a command may use are known when its task starts (see expandAddress). What only a shell
// could do, such as a pipe or a command in a command, is refused.
func splitWords(line string) ([]string, error) {
	asTyped := &expand.Config{Env: expand.FuncEnviron(func(name string) string {
		if name == "IFS" {
			return "" // words end at blanks
		}
		return "$" + name
	})}
	parsed, err := parseWords(line)
	var words []string
	if err == nil {
		words, err = expand.Fields(asTyped, parsed...)
	}
	if err != nil {
		return nil, fmt.Errorf("%w; what a shell has to do, give to one: sh -c '...'", err)
	}
	return words, nil
}

func parseWords(line string) (words []*syntax.Word, err error) {
	for word, err := range syntax.NewParser().WordsSeq(strings.NewReader(line)) {
		if err != nil {
			return nil, err
		}
		words = append(words, word)
	}
	return words, nil
}
