// Package ci holds what a pipeline tests policies with. These tests run it as a reader of docs/testing.md does:
// the documented examples in a new module and a new folder, and those beside this file.
package ci

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"
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
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
}

// program is flyball, built once for all tests.
var program = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "flyball")
	if err != nil {
		return "", err
	}
	file := filepath.Join(dir, "flyball")
	return file, exec.Command(filepath.Join(runtime.GOROOT(), "bin", "go"), "build", "-o", file, "flyball/cmd/flyball").Run()
})

func flyball(t *testing.T) string {
	t.Helper()
	file, err := program()
	if err != nil {
		t.Fatalf("build flyball: %v", err)
	}
	return "FLYBALL=" + file
}

func TestMain(m *testing.M) {
	status := m.Run()
	if file, err := program(); err == nil {
		os.RemoveAll(filepath.Dir(file))
	}
	os.Exit(status)
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
	run(t, dir, offline, "go", "test", "./...")
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

func pytest(t *testing.T, dir string) {
	t.Helper()
	run(t, dir, []string{flyball(t)}, python(t), "-B", "-m", "pytest", "-q", "-p", "no:cacheprovider")
}

func TestTheDocumentedExampleInANewPythonFolder(t *testing.T) {
	plugin, err := os.ReadFile("python/flyball_pytest.py")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write(t, filepath.Join(dir, "flyball_pytest.py"), string(plugin))
	write(t, filepath.Join(dir, "conftest.py"), "pytest_plugins = [\"flyball_pytest\"]\n")
	write(t, filepath.Join(dir, "test_policy.py"), documented(t, "python"))
	pytest(t, dir)
}

func TestTheExampleInPython(t *testing.T) { pytest(t, "python") }

// The example in Node.js runs where its packages are: in its folder, after npm install, or where NODE_PATH says.
func TestTheExampleInNode(t *testing.T) {
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
	run(t, dir, []string{flyball(t)}, "node", "--test", "policy.test.mjs")
}
