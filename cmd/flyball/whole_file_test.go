package main

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestAFileIsThereOnceItIsWhole(t *testing.T) {
	full := errors.New("the disk is full")
	half := func(w io.Writer) error {
		_, _ = io.WriteString(w, "half")
		return full
	}
	name := filepath.Join(t.TempDir(), "shop.html")
	if err := createFile(name, half); !errors.Is(err, full) {
		t.Fatal(err)
	}
	if left, _ := filepath.Glob(name + "*"); left != nil {
		t.Errorf("left: %v", left)
	}
	if err := os.WriteFile(name, []byte("that of before"), 0o600); err != nil {
		t.Fatal(err)
	}
	link := name + "-link"
	if err := os.Symlink(name, link); err != nil {
		t.Fatal(err)
	}
	if err := createFile(link, half); !errors.Is(err, full) {
		t.Fatal(err)
	}
	if text, _ := os.ReadFile(name); string(text) != "that of before" {
		t.Errorf("the file of before is %q", text)
	}
	if err := createFile(link, func(w io.Writer) error { _, err := io.WriteString(w, "whole"); return err }); err != nil {
		t.Fatal(err)
	}
	if text, _ := os.ReadFile(name); string(text) != "whole" {
		t.Errorf("the file that a link leads to is %q", text)
	}
}

// A search that ends before it found anything leaves the files of before.
func TestASearchWithoutAResultWritesNothing(t *testing.T) {
	folder := t.TempDir()
	kept, made := filepath.Join(folder, "policy.tf"), filepath.Join(folder, "apply.sh")
	if err := os.WriteFile(kept, []byte("that of before"), 0o600); err != nil {
		t.Fatal(err)
	}
	ended, end := context.WithCancel(t.Context())
	end()
	args := []string{"tune", "--generate", "daily(low=10/m, high=300/m)", "--cpu-per-request", "50ms", "--agree", "p95 < 1s", "--terraform", kept, "--cli", made}
	if status := execute(ended, args, io.Discard, io.Discard); status == 0 {
		t.Error("a search that was ended before it began succeeded")
	}
	left, _ := os.ReadDir(folder)
	if text, _ := os.ReadFile(kept); string(text) != "that of before" || len(left) != 1 {
		t.Errorf("%q, and %d files", text, len(left))
	}
}

func TestOutputsHaveFilesOfTheirOwn(t *testing.T) {
	o := simulationOutputs{html: "shop", svg: "shop"}
	if err := o.check(); err == nil || err.Error() != "--html and --svg would both be written to shop: give each a file of its own" {
		t.Error(err)
	}
}

func TestSimulateWritesOverNothingThatItReads(t *testing.T) {
	t.Chdir(t.TempDir())
	text := `{"ScalableTargets": [{"ResourceId": "service/shop/web", "MinCapacity": 2, "MaxCapacity": 40}]}`
	for _, name := range []string{"now.json", "old.json"} {
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for written, flag := range map[string]string{"now.json": "policies", "old.json": "against"} {
		var out, complaints strings.Builder
		status := execute(t.Context(), []string{"simulate", "--policies", "now.json", "--against", "before=old.json", "--generate", "steady(300/m)",
			"--for", "1h", "--cpu-per-request", "50ms", "--html", written}, &out, &complaints)
		want := "--html would be written over the file that --" + flag + " reads, " + written
		if status != 2 || !strings.Contains(complaints.String(), want) {
			t.Errorf("status %d, %q; want 2 and %q", status, complaints.String(), want)
		}
		if kept, err := os.ReadFile(written); err != nil || string(kept) != text {
			t.Errorf("%s: %q, %v", written, kept, err)
		}
	}
}
