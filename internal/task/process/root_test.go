package process

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"flyball/internal/image/imagetest"
	"flyball/internal/task"
)

// pushed pushes an image and returns its reference.
func pushed(t testing.TB, config v1.Config, layers ...v1.Layer) string {
	t.Helper()
	reference := imagetest.Registry(t) + "/app:latest"
	imagetest.Push(t, reference, imagetest.Image(t, config, layers...))
	return reference
}

// scratch is a layer with nothing but a program.
func scratch(t testing.TB) v1.Layer {
	t.Helper()
	return imagetest.Layer(t, imagetest.Program("program", imagetest.StaticProgram(t)))
}

// running is a task of one container with an image.
func running(id, image string, command ...string) task.Spec {
	return task.Spec{ID: id, Containers: []task.Container{
		{Name: "main", Image: image, Command: command, Essential: true, StopTimeout: 10 * time.Second},
	}}
}

// onEachRooting runs a test in each way to give images a root that this machine
// permits, and with both kinds of network.
func onEachRooting(t *testing.T, test func(t *testing.T, r *Runtime, how rooting)) {
	for _, how := range rootings {
		if !how.namespaces {
			continue
		}
		t.Run(how.String(), func(t *testing.T) {
			opts := options(t)
			if how.user {
				opts.NoCgroups, opts.Network = true, NetworkLoopback
			}
			if err := how.try(scratchIn(opts.Dir)); err != nil {
				t.Skip("this machine does not permit it:", err)
			}
			r := newRuntime(t, opts)
			r.programs.roots = &roots{func() rooting { return how }}
			test(t, r, how)
			assertNothingLeft(t, opts.Dir)
		})
	}
}

func scratchIn(dir string) func() (string, error) {
	return func() (string, error) { return os.MkdirTemp(dir, "try-") }
}

// assertNothingLeft holds when no container of a runtime in a directory runs.
func assertNothingLeft(t *testing.T, dir string) {
	t.Helper()
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil || strings.Contains(string(mounts), dir) {
		t.Errorf("a mount is left: %s, %v", mounts, err)
	}
	left, err := filepath.Glob(filepath.Join(dir, "tasks", "*", "*.root"))
	if err != nil || len(left) > 0 {
		t.Errorf("roots are left: %v, %v", left, err)
	}
	partial, err := filepath.Glob(filepath.Join(dir, "images", "partial-*"))
	if err != nil || len(partial) > 0 {
		t.Errorf("parts of images are left: %v, %v", partial, err)
	}
}

// output runs a task to its end, and returns what it wrote and its exit code.
func output(t *testing.T, r *Runtime, spec task.Spec) (lines []string, code int) {
	t.Helper()
	stopped := start(t, r, spec)
	await(t, "the end of the task", stopped.Done())
	return strings.Split(strings.TrimSpace(readLogs(t, stopped, "")), "\n"), stopped.Exits()[0].Code
}

func TestAnImageHasARootOfItsOwn(t *testing.T) {
	reference := pushed(t, v1.Config{Entrypoint: []string{"/program"}, WorkingDir: "/work", Env: []string{"COLOUR=green", "SIZE=small"}},
		scratch(t), imagetest.Layer(t, imagetest.File("etc/note", "from the image"), imagetest.Symlink("etc/resolv.conf", "/run/nowhere/resolv.conf")))
	onEachRooting(t, func(t *testing.T, r *Runtime, how rooting) {
		spec := running("first", reference, "pid", "cwd", "host", "id", "env:COLOUR", "env:SIZE", "env:PATH", "env:HOME", "env:HOSTNAME",
			"cat:/etc/note", "cat:/etc/hostname", "write:/etc/note", "cat:/etc/note", "write:/dev/null", "stat:/dev/shm", "stat:/etc/resolv.conf", "write:/proc/sys/kernel/hostname", "exit:7")
		spec.Containers[0].Env = []string{"SIZE=large"}
		id := "id 0 0 [0]"
		if how.user {
			id = "id 0 0 []" // other groups are not to be had there
		}
		want := []string{
			"pid 1", "cwd /work", "host first", id, "env COLOUR=green", "env SIZE=large",
			"env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "env HOME=/", "env HOSTNAME=first",
			"cat /etc/note: from the image", "cat /etc/hostname: first", "", "write /etc/note: done", "cat /etc/note: written", "write /dev/null: done",
			"stat /dev/shm: dtrwxrwxrwx 0:0", "stat /etc/resolv.conf: -rw-r--r-- 0:0", "write /proc/sys/kernel/hostname: open /proc/sys/kernel/hostname: read-only file system",
		}
		got, code := output(t, r, spec)
		if code != 7 || !slices.Equal(got, want) {
			t.Errorf("exit code %d, and the lines\n%s\nwant 7 and\n%s", code, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		// What one container has changed is not there for the next.
		if got, _ := output(t, r, running("second", reference, "cat:/etc/note")); got[0] != "cat /etc/note: from the image" {
			t.Errorf("after a container that wrote, the next reads %q", got)
		}
	})
}

func TestTheUserOfAnImage(t *testing.T) {
	accounts := imagetest.Layer(t,
		imagetest.File("etc/passwd", "root:x:0:0:root:/root:/bin/sh\napp:x:1000:1001:App:/home/app:/bin/sh\nbroken\n"),
		imagetest.File("etc/group", "root:x:0:\napp:x:1001:\nextra:x:50:other,app\nvideo:x:51:app\n"))
	inImage := pushed(t, v1.Config{Entrypoint: []string{"/program"}, User: "app"}, scratch(t), accounts)
	onEachRooting(t, func(t *testing.T, r *Runtime, how rooting) {
		for i, tt := range []struct {
			user, id, home string
		}{
			{"", "1000 1001 [50 51 1001]", "/home/app"},
			{"root", "0 0 [0]", "/root"},
			{"app:extra", "1000 50 [50]", "/home/app"},
			{"1000", "1000 1001 [50 51 1001]", "/home/app"},
			{"1234", "1234 0 [0]", "/"},
			{"1234:5678", "1234 5678 [5678]", "/"},
		} {
			spec := running(fmt.Sprint("task-", i), inImage, "id", "env:HOME", "append:/dev/stdout", "status:CapEff", "status:CapBnd")
			spec.Containers[0].User = tt.user
			got, _ := output(t, r, spec)
			if how.user {
				tt.id = strings.Split(tt.id, "[")[0] + "[" // the other groups are not to be had there
			}
			if !strings.HasPrefix(got[0], "id "+tt.id) || got[1] != "env HOME="+tt.home || got[2] != "appended" {
				t.Errorf("user %q: got %q, want id %s and home %s", tt.user, got, tt.id, tt.home)
			}
			capabilities := "00000000a80425fb"
			if tt.id[0] != '0' {
				capabilities = "0000000000000000"
			}
			if last := got[len(got)-2:]; last[0] != "status CapEff:\t"+capabilities || last[1] != "status CapBnd:\t00000000a80425fb" {
				t.Errorf("user %q has capabilities %q, want %s", tt.user, last, capabilities)
			}
		}
	})
}

func TestAContainerThatCannotStartSaysWhy(t *testing.T) {
	reference := pushed(t, v1.Config{Entrypoint: []string{"/program"}}, scratch(t), imagetest.Layer(t, imagetest.File("text", "no program")))
	empty := pushed(t, v1.Config{}, scratch(t))
	onEachRooting(t, func(t *testing.T, r *Runtime, how rooting) {
		for _, tt := range []struct {
			name   string
			change func(*task.Container)
			want   string
		}{
			{"a name", func(c *task.Container) { c.EntryPoint = []string{"nginx"} }, `CannotStartContainerError: container main: exec: "nginx": executable file not found in $PATH`},
			{"a path", func(c *task.Container) { c.EntryPoint = []string{"/nginx"} }, `exec: "/nginx": stat /nginx: no such file or directory`},
			{"a file that is no program", func(c *task.Container) { c.EntryPoint = []string{"/text"} }, `exec: "/text": permission denied`},
			{"a directory", func(c *task.Container) { c.EntryPoint = []string{"/etc"} }, `exec: "/etc": is a directory`},
			{"a user", func(c *task.Container) { c.User = "nobody" }, "unable to find user nobody: no matching entries in passwd file"},
			{"a group", func(c *task.Container) { c.User = "1:nobody" }, "unable to find group nobody: no matching entries in group file"},
			{"no command", func(c *task.Container) { c.Image, c.Command = empty, nil }, "no command specified"},
			{"an image", func(c *task.Container) { c.Image = reference + "x" }, "CannotPullContainerError: failed to resolve ref " + reference + "x: " + reference + "x: not found"},
			{"no reference", func(c *task.Container) { c.Image = "NOT//A:REFERENCE" }, "CannotPullContainerError: "},
		} {
			spec := running("task", reference, "pid")
			tt.change(&spec.Containers[0])
			started, err := r.Start(t.Context(), spec)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%s: started %v, %v; want %q", tt.name, started != nil, err, tt.want)
			}
		}
	})
}

// What the kernel does not run has started and ended, as with container engines.
func TestAProgramThatTheKernelRefusesTellsItsLog(t *testing.T) {
	reference := pushed(t, v1.Config{}, scratch(t), imagetest.Layer(t, imagetest.Program("text", "no program"), imagetest.Program("script", "#!/no/such/shell\n")))
	onEachRooting(t, func(t *testing.T, r *Runtime, how rooting) {
		for _, tt := range []struct{ program, want string }{
			{"/text", "exec /text: exec format error"},
			{"/script", "exec /script: no such file or directory"},
		} {
			if got, code := output(t, r, running("task"+strings.ReplaceAll(tt.program, "/", "-"), reference, tt.program)); code != 1 || got[0] != tt.want {
				t.Errorf("%s: exit code %d and %q, want 1 and %q", tt.program, code, got, tt.want)
			}
		}
	})
}

// As in container engines, the working directory may be one that only root can enter.
func TestTheWorkingDirectoryIsEnteredAsRoot(t *testing.T) {
	closed := imagetest.Dir("closed")
	closed.Mode = 0o700
	reference := pushed(t, v1.Config{Entrypoint: []string{"/program"}, WorkingDir: "/closed", User: "1000"}, scratch(t), imagetest.Layer(t, closed))
	onEachRooting(t, func(t *testing.T, r *Runtime, how rooting) {
		if got, code := output(t, r, running("task", reference, "host")); code != 0 || got[0] != "host task" {
			t.Errorf("exit code %d, %q", code, got)
		}
	})
}

func TestAReadOnlyRootIsNotWrittenTo(t *testing.T) {
	reference := pushed(t, v1.Config{Entrypoint: []string{"/program"}}, scratch(t))
	onEachRooting(t, func(t *testing.T, r *Runtime, how rooting) {
		spec := running("task", reference, "write:/note", "write:/dev/shm/note", "cat:/etc/hostname")
		spec.Containers[0].ReadOnlyRoot = true
		got, _ := output(t, r, spec)
		want := []string{"write /note: open /note: read-only file system", "write /dev/shm/note: done", "cat /etc/hostname: task"}
		if !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

func TestDevicesOfThisMachineAreOutOfReach(t *testing.T) {
	reference := pushed(t, v1.Config{Entrypoint: []string{"/program"}}, scratch(t))
	onEachRooting(t, func(t *testing.T, r *Runtime, how rooting) {
		got, _ := output(t, r, running("task", reference, "mknod:/memory", "mknod:/dev/memory"))
		for _, line := range got[:2] {
			if !strings.HasSuffix(line, "permission denied") && !strings.HasSuffix(line, "operation not permitted") {
				t.Errorf("making and opening a device says %q", line)
			}
		}
	})
}

// While a root is made, files of this machine are open in the process that makes it.
// Neither the working directory nor a link of the image leads through them.
func TestAnImageDoesNotLeadThroughOpenFiles(t *testing.T) {
	outside, registry, program := t.TempDir(), imagetest.Registry(t), scratch(t)
	var references []string
	push := func(name, workingDir string, layers ...v1.Layer) {
		references = append(references, registry+"/"+name)
		imagetest.Push(t, registry+"/"+name, imagetest.Image(t, v1.Config{Entrypoint: []string{"/program"}, WorkingDir: workingDir}, append(layers, program)...))
	}
	for fd := 8; fd < 18; fd += 3 {
		within := fmt.Sprint("/proc/self/fd/", fd, outside)
		push(fmt.Sprint("work-", fd), within)
		push(fmt.Sprint("etc-", fd), "", imagetest.Layer(t, imagetest.Symlink("etc", within)))
		push(fmt.Sprint("dev-", fd), "", imagetest.Layer(t, imagetest.Symlink("dev", within)))
	}
	onEachRooting(t, func(t *testing.T, r *Runtime, how rooting) {
		for i, reference := range references {
			if started, err := r.Start(t.Context(), running(fmt.Sprint("task-", i), reference, "write:note")); err == nil {
				await(t, "the end of the task", started.Done())
			}
		}
		if found, err := os.ReadDir(outside); err != nil || len(found) > 0 {
			t.Errorf("outside of the containers there is %v, %v", found, err)
		}
	})
}

func TestTheServersMaskIsNotTheContainers(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0o077))
	reference := pushed(t, v1.Config{Entrypoint: []string{"/program"}, User: "1000", WorkingDir: "/implied"},
		scratch(t), imagetest.Layer(t, imagetest.File("implied/note", "here")))
	onEachRooting(t, func(t *testing.T, r *Runtime, how rooting) {
		got, _ := output(t, r, running("task", reference, "cat:/implied/note", "cat:/etc/hostname", "write:/dev/shm/note", "stat:/dev/shm/note"))
		want := []string{"cat /implied/note: here", "cat /etc/hostname: task"}
		if !slices.Equal(got[:2], want) || !strings.HasPrefix(got[len(got)-1], "stat /dev/shm/note: -rw-r--r--") {
			t.Errorf("got %q, want %q, and a file that all may read", got, want)
		}
	})
}

func TestAnImagesStopSignalEndsIt(t *testing.T) {
	reference := pushed(t, v1.Config{Entrypoint: []string{"/program"}, StopSignal: "SIGQUIT"}, scratch(t))
	onEachRooting(t, func(t *testing.T, r *Runtime, how rooting) {
		started := start(t, r, running("task", reference, "await:3", "exit:5"))
		awaitLine(t, started, "waiting")
		if err := started.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := started.Exits()[0].Code; got != 5 {
			t.Errorf("exit code %d, want 5", got)
		}
	})
}

func TestHealthChecksRunInTheContainer(t *testing.T) {
	reference := pushed(t, v1.Config{Entrypoint: []string{"/program"}, WorkingDir: "/work"}, scratch(t))
	onEachRooting(t, func(t *testing.T, r *Runtime, how rooting) {
		spec := running("task", reference, "write:/mark", "sleep")
		spec.Containers[0].HealthCheck = &task.HealthCheck{
			Command: []string{"CMD", "/program", "require:/mark", "requirecwd:/work", "requirehost:task"}, Interval: 100 * time.Millisecond, Timeout: time.Minute, Retries: 1,
		}
		started := start(t, r, spec)
		awaitHealth(t, started, task.Healthy)
		if err := started.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// A program in the image is all that runs without rights, and all that it needs.
func TestAStaticProgramRunsWithoutARoot(t *testing.T) {
	reference := pushed(t, v1.Config{Entrypoint: []string{"program"}, WorkingDir: "/work", Env: []string{"PATH=/bin:/"}},
		scratch(t), imagetest.Layer(t, imagetest.Dir("work"), imagetest.File("work/note", "here"), imagetest.Program("script", "#!/program\n")))
	opts := options(t)
	r := newRuntime(t, opts)
	r.programs.roots = &roots{func() rooting { return rooting{} }}
	if got, code := output(t, r, running("task", reference, "cat:note", "exit:3")); code != 3 || got[0] != "cat note: here" {
		t.Errorf("got %q and code %d", got, code)
	}
	spec := running("other", reference)
	spec.Containers[0].EntryPoint = []string{"/script"}
	if _, err := r.Start(t.Context(), spec); err == nil || !strings.Contains(err.Error(), "/script is a script") {
		t.Errorf("a script was started: %v", err)
	}
}

// asNobody runs a test again in a process without root's rights.
func asNobody(t *testing.T, name string) {
	t.Helper()
	if os.Geteuid() != 0 {
		return // it has none
	}
	dir, err := os.MkdirTemp("", "nobody-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if err := errors.Join(os.Chown(dir, 65534, 65534), os.Chmod(dir, 0o755)); err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(dir, "program")
	if err := errors.Join(os.WriteFile(program, []byte(imagetest.StaticProgram(t)), 0o755), os.Chmod(program, 0o755)); err != nil { // whatever mask the test has
		t.Fatal(err)
	}
	cmd := exec.Command("/proc/self/exe", "-test.run", "^("+name+")$", "-test.v", "-test.timeout=10m")
	cmd.Dir = "/"
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "TMPDIR=" + dir, "HOME=" + dir, imagetest.ProgramVariable + "=" + program}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS") {
		t.Errorf("as nobody: %v\n%s", err, out)
	}
}

func TestImagesRunWithoutRootsRights(t *testing.T) {
	if runtime.GOOS != "linux" || os.Geteuid() != 0 {
		t.Skip("needs root, to be nobody")
	}
	asNobody(t, "TestAnImageHasARootOfItsOwn|TestTheUserOfAnImage|TestAReadOnlyRootIsNotWrittenTo|TestAContainerThatCannotStartSaysWhy|"+
		"TestDevicesOfThisMachineAreOutOfReach|TestAnImagesStopSignalEndsIt|TestHealthChecksRunInTheContainer|TestAStaticProgramRunsWithoutARoot")
}

// A server that is killed leaves its containers running in their roots. The next life
// checks their health, ends them, and leaves nothing of them.
func TestContainersOutliveTheServer(t *testing.T) {
	reference := pushed(t, v1.Config{Entrypoint: []string{"/program"}}, scratch(t))
	onEachHost(t, func(t *testing.T, opts Options) {
		if err := rootings[0].try(scratchIn(t.TempDir())); err != nil {
			t.Skip("this machine does not permit it:", err)
		}
		kept := running("kept", reference, "write:/mark", "sleep")
		kept.Containers[0].HealthCheck = &task.HealthCheck{Command: []string{"CMD", "/program", "require:/mark"}, Interval: 50 * time.Millisecond, Retries: 1}
		crashed(t, opts, kept, running("short", reference, "exit:3"))
		r := newRuntime(t, opts)
		recovered, err := r.Recover(context.Background())
		if err != nil || len(recovered) != 2 {
			t.Fatalf("recovered %v, %v", recovered, err)
		}
		for _, found := range recovered {
			if found.ID() == "kept" {
				awaitHealth(t, found, task.Healthy)
			}
			if err := found.Stop(t.Context()); err != nil {
				t.Error(err)
			}
		}
		assertNothingLeft(t, opts.Dir)
	})
}
