package disk_test

import (
	"errors"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"flyball/internal/disk"
	"flyball/internal/store"
)

const inside = "FLYBALL_TEST_DISK"

// smallDisk is a folder on a disk of 32 MiB that this process alone sees. The test runs again
// in such a process, and is over here.
func smallDisk(t *testing.T) string {
	t.Helper()
	if dir := os.Getenv(inside); dir != "" {
		if err := errors.Join(syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""), syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=32m")); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	if os.Geteuid() != 0 {
		t.Skip("a disk of its own needs root")
	}
	cmd := exec.Command("/proc/self/exe", "-test.run=^"+t.Name()+"$", "-test.v", "-test.timeout=5m")
	cmd.Env = append(os.Environ(), inside+"="+t.TempDir())
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	out, err := cmd.CombinedOutput()
	if errors.Is(err, syscall.EPERM) {
		t.Skip("mount namespaces are not permitted")
	}
	if err != nil || !strings.Contains(string(out), "--- PASS") {
		t.Fatalf("%v\n%s", err, out)
	}
	return ""
}

// fillUp takes all room of a disk.
func fillUp(t *testing.T, dir string) (filler string) {
	t.Helper()
	f, err := os.Create(filepath.Join(dir, "filler"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, size := range []int{64 << 10, 1} {
		for err = nil; err == nil; {
			_, err = f.Write(make([]byte, size))
		}
	}
	return f.Name()
}

func await(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !is(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal(what)
		}
	}
}

func TestAFullDiskRefusesAndRecoversAndWhatWasStagedIsWritten(t *testing.T) {
	dir := smallDisk(t)
	if dir == "" {
		return
	}
	d, err := disk.Open(disk.Options{Dir: dir, Log: slog.New(slog.DiscardHandler)})
	if err != nil || d.Check() != nil {
		t.Fatal(err, d.Check())
	}
	go d.Run(t.Context())
	st, err := store.OpenSQLiteOn(d, filepath.Join(dir, "state"))
	if err != nil {
		t.Fatal(err)
	}
	filler := fillUp(t, dir)
	await(t, "writes are admitted on a full disk", func() bool { return errors.As(d.Check(), new(*disk.Error)) })
	if err := st.Write(new(store.Batch).Put("test", "staged", make([]byte, 100<<10))).Wait(); err != nil {
		t.Errorf("what was staged is not written with the reserve: %v", err)
	}
	// More than the reserve waits, and is read from the disk once there is room.
	waiting := st.Write(new(store.Batch).Put("test", "waits", make([]byte, 4<<20)))
	st.Flush()
	select {
	case <-st.Stalled():
	case <-time.After(time.Minute):
		t.Fatal("a write that lacks room does not say so")
	}
	if _, err := st.Get("test", "staged"); err != nil {
		t.Errorf("reads fail on a full disk: %v", err)
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	if err := waiting.Wait(); err != nil {
		t.Errorf("a write that waited for room fails: %v", err)
	}
	await(t, "writes are refused though there is room", func() bool { return d.Check() == nil })
	if err := errors.Join(st.Close(), d.Close()); err != nil {
		t.Error(err)
	}
}

func TestAWriteForWhichThereIsNoRoomIsRefusedAlone(t *testing.T) {
	dir := smallDisk(t)
	if dir == "" {
		return
	}
	d, err := disk.Open(disk.Options{Dir: dir, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if err := d.CheckFor(64 << 20); !errors.As(err, new(*disk.Error)) {
		t.Errorf("of a write that is greater than the disk: %v", err)
	}
	if err := errors.Join(d.CheckFor(1<<20), d.Check()); err != nil {
		t.Errorf("of others: %v", err)
	}
}

func TestAStartOnAFullDiskHasAPartOfTheReserve(t *testing.T) {
	dir := smallDisk(t)
	if dir == "" {
		return
	}
	open := func() *disk.Disk {
		d, err := disk.Open(disk.Options{Dir: dir, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	d := open()
	fillUp(t, dir)
	for d.Relieve() {
		fillUp(t, dir)
	}
	d.Close()
	d = open()
	defer d.Close()
	if d.Check() == nil {
		t.Error("writes are admitted on a full disk")
	}
	if err := os.WriteFile(filepath.Join(dir, "begun"), make([]byte, 64<<10), 0o600); err != nil {
		t.Errorf("a start has no room: %v", err)
	}
}
