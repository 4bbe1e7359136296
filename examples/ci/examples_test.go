// Package ci holds what a pipeline tests policies with. These tests run it as a reader of docs/testing.md does:
// the documented examples in a new module and a new folder, and those beside this file.
package ci

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// documented is the first block of docs/testing.md in a language.
func documented(t *testing.T, language string) string {
	t.Helper()
	page, err := os.ReadFile("../../docs/testing.md")
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile("(?s)```" + language + "\n(.*?)```").FindSubmatch(page)
	if block == nil {
		t.Fatalf("docs/testing.md has no example in %s", language)
	}
	return string(block[1])
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// run runs a command in a folder, with variables beside the test's own.
func run(t *testing.T, dir string, env []string, name string, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
}

// raceFlag is -race where these tests have it: what go test has compiled with it is linked then, and nothing is
// compiled a second time.
func raceFlag() []string {
	info, _ := debug.ReadBuildInfo()
	if info != nil && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"}) {
		return []string{"-race"}
	}
	return nil
}

func TestTheDocumentedExampleInANewGoModule(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write(t, filepath.Join(dir, "policy_test.go"), documented(t, "go"))
	sums, err := os.ReadFile(filepath.Join(root, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "go.sum"), string(sums))
	offline := []string{"GOFLAGS=-mod=mod", "GOPROXY=off", "GOWORK=off"} // in place of go mod tidy, which looks for tests of others
	run(t, dir, offline, "go", "mod", "init", "example.com/shop")
	run(t, dir, offline, "go", "mod", "edit", "-require=flyball@v0.0.0", "-replace=flyball="+root)
	run(t, dir, offline, "go", append(append([]string{"test"}, raceFlag()...), "./...")...)
}

// python is a Python that has pytest and boto3.
func python(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"python3", "/usr/bin/python3"} {
		if exec.Command(name, "-c", "import pytest, boto3").Run() == nil {
			return name
		}
	}
	t.Skip("SKIPPED: no python3 here has pytest and boto3")
	return ""
}

func pytest(t *testing.T, dir string, flyball func() string) {
	t.Helper()
	interpreter := python(t)
	run(t, dir, []string{"FLYBALL=" + flyball()}, interpreter, "-B", "-m", "pytest", "-q", "-p", "no:cacheprovider")
}

// The program is built once for all, by the first that runs.
func TestTheExamplesOfOtherLanguages(t *testing.T) {
	folder := t.TempDir()
	flyball := sync.OnceValue(func() string {
		file := filepath.Join(folder, "flyball")
		run(t, ".", nil, "go", append(append([]string{"build"}, raceFlag()...), "-o", file, "flyball/cmd/flyball")...)
		return file
	})
	t.Run("the documented example in a new Python folder", func(t *testing.T) { testTheDocumentedExampleInPython(t, flyball) })
	t.Run("the example in Python", func(t *testing.T) { pytest(t, "python", flyball) })
	t.Run("the example in Node.js", func(t *testing.T) { testTheExampleInNode(t, flyball) })
}

func testTheDocumentedExampleInPython(t *testing.T, flyball func() string) {
	plugin, err := os.ReadFile("python/flyball_pytest.py")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write(t, filepath.Join(dir, "flyball_pytest.py"), string(plugin))
	write(t, filepath.Join(dir, "conftest.py"), "pytest_plugins = [\"flyball_pytest\"]\n")
	write(t, filepath.Join(dir, "test_policy.py"), documented(t, "python"))
	pytest(t, dir, flyball)
}

// testTheExampleInNode runs the example where its packages are: in its folder, after npm install, or where NODE_PATH says.
func testTheExampleInNode(t *testing.T, flyball func() string) {
	modules := os.Getenv("NODE_PATH")
	if modules == "" {
		modules = "node/node_modules"
	}
	modules, err := filepath.Abs(modules)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := exec.LookPath("node"); err != nil {
		t.Skip("SKIPPED: there is no node here")
	}
	if _, err := os.Stat(filepath.Join(modules, "@aws-sdk", "client-ecs")); err != nil {
		t.Skip("SKIPPED: the AWS SDK for JavaScript is not here; run npm install in examples/ci/node")
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("node")); err != nil && !os.IsExist(err) {
		t.Fatal(err)
	}
	if err := os.Symlink(modules, filepath.Join(dir, "node_modules")); err != nil && !os.IsExist(err) {
		t.Fatal(err)
	}
	run(t, dir, []string{"FLYBALL=" + flyball()}, "node", "--test", "policy.test.mjs")
}
