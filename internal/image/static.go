package image

import (
	"debug/elf"
	"fmt"
	"os"
	"path"
	"strings"
)

// Path is where a path of the image is on this machine, when the links on the way are
// followed within the image.
func (i *Image) Path(name string) (string, error) { return pathInTree(i.Root, name) }

// StaticProgram is where a program of the image is on this machine, which is looked for
// in the image's own PATH. The error says why it does not run without the image's
// other files.
func (i *Image) StaticProgram(name string) (string, error) {
	candidates := []string{name}
	if !strings.Contains(name, "/") {
		candidates = nil
		for _, variable := range i.Config.Env {
			if dirs, is := strings.CutPrefix(variable, "PATH="); is {
				for dir := range strings.SplitSeq(dirs, ":") {
					candidates = append(candidates, path.Join(dir, name))
				}
			}
		}
	}
	for _, candidate := range candidates {
		found, err := i.Path(candidate)
		if err != nil {
			continue
		}
		if info, err := os.Stat(found); err != nil || !info.Mode().IsRegular() || info.Mode()&0o111 == 0 {
			continue
		}
		return found, needsNothing(found, candidate)
	}
	return "", fmt.Errorf("exec: %q: executable file not found in $PATH", name)
}

// needsNothing returns why a program does not run alone.
func needsNothing(file, name string) error {
	program, err := elf.Open(file)
	if err != nil {
		return fmt.Errorf("%s is a script, or no program of this machine", name)
	}
	defer program.Close()
	for _, part := range program.Progs {
		if part.Type == elf.PT_INTERP {
			return fmt.Errorf("%s needs shared libraries", name)
		}
	}
	return nil
}
