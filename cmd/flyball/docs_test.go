package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"flyball/internal/docpage"
)

// notRun are the commands of the pages that are shown and not run, by page and reason.
var notRun = map[string]map[string]int{
	"README.md":            {"takes minutes": 1},
	"docs/your-service.md": {"needs Docker": 1},
	"docs/install.md":      {"needs Docker": 4, "installs into the machine": 2, "takes minutes": 1},
	"docs/metrics.md":      {"needs --auth and a node exporter": 1},
	"docs/load.md":         {"needs AWS": 1},
	"docs/images.md":       {"needs Docker": 1, "needs a gigabyte": 1},
	"docs/kubernetes.md":   {"needs a cluster of Kubernetes": 4},
	"docs/postgresql.md":   {"needs PostgreSQL": 2},
	"docs/tasks.md":        {"needs a rootless Docker engine": 1, "needs a cluster of Kubernetes": 1},
	"docs/console.md":      {"needs the server of docs/access.md": 1, "goes on until it is ended": 1},
	"docs/simulation.md":   {"needs a service that was under load": 1},
	"docs/predictive.md":   {"needs a public data set": 2, "needs public data sets": 1, "needs a history of one's own": 1, "takes minutes": 1},
}

// A page has its commands run in one shell and in their order, as a reader would who has
// installed flyball and set nothing else.
func TestCommandsOfThePagesRunAsPrinted(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a server for each page")
	}
	together := 1
	if ownNetwork() {
		together = 4 // they wait more than they work
	}
	var running errgroup.Group
	running.SetLimit(together)
	for _, page := range pages(t) {
		blocks, _ := readPage(t, page)
		running.Go(func() error {
			t.Run(page, func(t *testing.T) {
				if runs(blocks) == 0 {
					t.Skip("the page has no commands that are run")
				}
				runPage(t, page, blocks)
			})
			return nil
		})
	}
	_ = running.Wait()
}

// What is not run is a list, so that it does not grow unseen, and every command stands where it
// is run or listed.
func TestCommandsThatAreNotRunAreListed(t *testing.T) {
	found := map[string]map[string]int{}
	for _, page := range pages(t) {
		blocks, stray := readPage(t, page)
		for _, line := range stray {
			t.Errorf("%s:%d: a command outside of a fence of sh, where it is not tried: %s", page, line.Number, line.Text)
		}
		for _, b := range blocks {
			if b.NotRun == "" {
				continue
			}
			if found[page] == nil {
				found[page] = map[string]int{}
			}
			found[page][b.NotRun]++
		}
	}
	for page := range maps.Keys(found) {
		if !maps.Equal(found[page], notRun[page]) {
			t.Errorf("%s has blocks that are not run, by reason: %#v; listed are %#v", page, found[page], notRun[page])
		}
	}
	for page := range notRun {
		if found[page] == nil {
			t.Errorf("%s is listed and has no blocks that are not run", page)
		}
	}
}

// repository is its top folder.
const repository = "../.."

func pages(t *testing.T) []string {
	t.Helper()
	found, err := filepath.Glob(repository + "/docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	names := []string{"README.md"}
	for _, file := range found {
		names = append(names, "docs/"+filepath.Base(file))
	}
	return names
}

func readPage(t *testing.T, page string) ([]docpage.Block, []docpage.Line) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(repository, page))
	if err != nil {
		t.Fatal(err)
	}
	blocks, stray, err := docpage.Parse(string(text))
	if err != nil {
		t.Fatalf("%s: %v", page, err)
	}
	return blocks, stray
}

func runs(blocks []docpage.Block) (n int) {
	for _, b := range blocks {
		if b.NotRun == "" {
			n++
		}
	}
	return n
}

// tool is a program that pages call and that may not be there.
var tool = regexp.MustCompile(`(?m)(?:^\s*|[|(;&]\s*|\$\(|time )(aws|ab|curl|docker|go|jq|moto_server|node|npm|npx|python3|pytest|terraform|unzip|zip)\s`)

// missing are the programs that a page calls and this machine has not.
func missing(blocks []docpage.Block) (names []string) {
	for _, b := range blocks {
		if b.NotRun != "" {
			continue
		}
		for _, m := range tool.FindAllStringSubmatch(b.Text, -1) {
			if _, err := exec.LookPath(m[1]); err != nil && !slices.Contains(names, m[1]) {
				names = append(names, m[1])
			}
		}
	}
	return names
}

//go:embed testdata/page.sh
var prelude string

// pagePatience bounds the commands of a page. With thirty programs waiting for two cores the longest page took
// 103 seconds.
const pagePatience = 5 * time.Minute

func runPage(t *testing.T, page string, blocks []docpage.Block) {
	if names := missing(blocks); len(names) > 0 {
		t.Skipf("its commands are not tried: this machine has no %s", strings.Join(names, ", no "))
	}
	if first := slices.IndexFunc(blocks, func(b docpage.Block) bool { return b.NotRun == "" }); !blocks[first].Server {
		blocks = slices.Insert(slices.Clone(blocks), 0, docpage.Block{Line: 1, Text: "flyball serve\n", Server: true})
	}
	dir := t.TempDir()
	script := filepath.Join(dir, "page.sh")
	text := prelude + docpage.Script(blocks, func(b docpage.Block) string { return fmt.Sprintf("== %s:%d", page, b.Line) })
	if err := errors.Join(os.WriteFile(script, []byte(text), 0o600), furnish(dir)); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), pagePatience)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", script)
	cmd.Dir = filepath.Join(dir, "work")
	cmd.Env = append(goCaches(), "HOME="+filepath.Join(dir, "home"), "PATH="+filepath.Join(dir, "bin")+":"+os.Getenv("PATH"), "RUN="+dir)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) } // the shell ends the server
	cmd.WaitDelay = 20 * time.Second
	out, err := inItsOwnNetwork(t, cmd)
	if err != nil {
		log, _ := os.ReadFile(filepath.Join(dir, "server.log"))
		t.Fatalf("%v\n%s\n-- the server wrote:\n%s", err, out, log)
	}
	t.Logf("%s", out)
}

// goCaches are where Go has what it has compiled: with a fresh home it would begin anew.
func goCaches() (env []string) {
	for _, name := range []string{"GOCACHE", "GOMODCACHE"} {
		if dir, err := exec.Command("go", "env", name).Output(); err == nil {
			env = append(env, name+"="+strings.TrimSpace(string(dir)))
		}
	}
	return env
}

// furnish makes what a reader has: flyball where the shell finds it, a home, and the files of
// the repository, of which only the folder itself can be written to.
func furnish(dir string) error {
	for _, name := range []string{"bin", "home", "work"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
			return err
		}
	}
	self, err := filepath.Abs(os.Args[0])
	if err != nil {
		return err
	}
	flyball := fmt.Sprintf("#!/bin/sh\n[ \"$1\" != serve ] || echo $$ >'%s/server.pid'\nexec env %s=1 GORACE=atexit_sleep_ms=10 '%s' \"$@\"\n", dir, asFlyball, self)
	if err := os.WriteFile(filepath.Join(dir, "bin", "flyball"), []byte(flyball), 0o700); err != nil {
		return err
	}
	entries, err := os.ReadDir(repository)
	if err != nil {
		return err
	}
	top, err := filepath.Abs(repository)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := os.Symlink(filepath.Join(top, e.Name()), filepath.Join(dir, "work", e.Name())); err != nil {
			return err
		}
	}
	return nil
}

// requireFree skips a test where something else is at the address that the pages name.
func requireFree(t *testing.T) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:4566")
	if err != nil {
		t.Skipf("the pages' commands are not tried: they need 127.0.0.1:4566, or root on Linux for a network of their own: %v", err)
	}
	l.Close()
}
