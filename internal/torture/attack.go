package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"flyball/internal/client"
)

// An attack is what a task does that means its server, and the tasks beside it, no good. Its
// script says what it has reached, in lines that begin with reachedWord.
type attack struct{ name, script string }

const reachedWord = "reached "

// The scripts know the server's process, its data and its program as SERVER, DATA and BINARY,
// and a process of another task as OTHER.
var attacks = []attack{
	{"environ", `cat /proc/$SERVER/environ /proc/[0-9]*/environ 2>/dev/null | tr '\0' '\n' | grep -q ^` + serverMark + `= && echo reached the environment of the server`},
	{"files of the server", `ls /proc/$SERVER/fd/ /proc/$SERVER/root/ >/dev/null 2>&1 && echo reached the files of the server`},
	{"data", `ls "$DATA"/* >/dev/null 2>&1 && echo reached the data of the server`},
	{"signals", `kill -CONT $SERVER 2>/dev/null && echo reached the server; kill -CONT $OTHER 2>/dev/null && echo reached another task`},
	{"cgroup", `for f in $(find /sys/fs/cgroup -maxdepth 3 -name cgroup.procs 2>/dev/null); do (echo $$ >$f) 2>/dev/null && echo reached $f; done`},
	{"the program of the server", `(: >>/proc/self/exe) 2>/dev/null && echo reached its program; (: >>"$BINARY") 2>/dev/null && echo reached the program of the server`},
	{"devices", `mknod /tmp/torture-device b 259 0 2>/dev/null && head -c 1 /tmp/torture-device >/dev/null && echo reached a device; rm -f /tmp/torture-device`},
	{"memory of the server", `for p in $SERVER $OTHER; do head -c 1 /proc/$p/mem >/dev/null 2>&1 && echo reached the memory of $p; (: >>/proc/$p/mem) 2>/dev/null && echo reached the memory of $p for writing; cat /proc/$p/maps /proc/$p/syscall 2>/dev/null | grep -q . && echo reached what $p does; done`},
	{"ptrace", `command -v python3 >/dev/null || exit 0; python3 -c '
import ctypes, os
c = ctypes.CDLL(None, use_errno=True)
for p in map(int, (os.environ["SERVER"], os.environ["OTHER"])):
    for call, name in ((16, "PTRACE_ATTACH"), (0x4206, "PTRACE_SEIZE")):
        if c.ptrace(call, p, 0, 0) == 0: print("reached", p, "by", name)
'`},
	{"descriptors", `command -v python3 >/dev/null || exit 0; python3 -c '
import os, resource
resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
held = []
try:
    while len(held) < 2000000: held.append(os.open("/dev/null", os.O_RDONLY))
    print("reached", len(held), "descriptors")
except OSError: pass
'`},
	{"priority", `nice -n -20 true 2>/dev/null && nice -n -20 sh -c '[ "$(ps -o ni= -p $$ 2>/dev/null)" -lt 0 ] 2>/dev/null' && echo reached a priority above the server; (echo -1000 >/proc/self/oom_score_adj) 2>/dev/null && echo reached a place behind the server when memory runs out`},
	{"mounts", `mkdir -p /tmp/torture-mount && mount -t tmpfs none /tmp/torture-mount 2>/dev/null && echo reached a mount; umount /tmp/torture-mount 2>/dev/null; rmdir /tmp/torture-mount 2>/dev/null; unshare -U -r true 2>/dev/null && unshare -U -r -m sh -c 'umount -l /proc; ls -d /proc/$SERVER' >/dev/null 2>&1 && echo reached the server by a user namespace`},
	{"a fork bomb", `i=0; while [ $i -lt 20000 ]; do sleep 1000 & i=$((i+1)); done; echo reached 20,000 processes`},
	{"1 GB of log", `head -c 1000000000 /dev/zero; echo`},
	{"a process that hides", `env -i setsid sh -c '(env -i setsid sh -c "while :; do date >>` + hidingPlace + `; sleep 0.05; done") & exit' & sleep 0.5`},
}

const (
	// hidingPlace is written to by a process that hides. It is where tasks can write.
	hidingPlace = "/tmp/flyball-torture-hides"
	// mostOfALog is how many bytes of a task's log may be on disk, at any time.
	mostOfALog   = 128 << 20
	attackWithin = time.Minute
)

// A siege is a server with a task beside which others attack.
type siege struct {
	*run
	server *program
	calls  *client.Client
	other  int // a process of the task beside
}

// attacked makes the attacks on one server, one after the other.
func attacked(ctx context.Context, r *run) (err error) {
	s := &siege{run: r, calls: client.New(client.Config{Endpoint: "http://" + r.addr, Region: "us-east-1"})}
	if s.server, err = r.launch(ctx); err != nil {
		return err
	}
	defer s.server.kill()
	if err := s.prepare(ctx); err != nil {
		return err
	}
	err = r.repeat(ctx, func(ctx context.Context, n int) error {
		a := attacks[(n-1)%len(attacks)]
		faults, err := s.attack(ctx, a)
		r.report(n, faults...)
		if err != nil {
			return fmt.Errorf("%s: %w", a.name, err)
		}
		return nil
	})
	return errors.Join(err, s.server.terminate())
}

// prepare starts the task that is attacked.
func (s *siege) prepare(ctx context.Context) error {
	if _, err := s.calls.ECS.CreateCluster(ctx, &ecs.CreateClusterInput{ClusterName: aws.String("default")}); err != nil {
		return err
	}
	if _, err := s.runTask(ctx, "beside", "sleep 1000"); err != nil {
		return err
	}
	for began := time.Now(); s.other == 0; {
		found, err := processes(taskMark, s.mark)
		if err = errors.Join(err, ctx.Err()); err != nil {
			return fmt.Errorf("no process of the task beside: %w", err)
		}
		if since := time.Since(began); since > s.within(attackWithin) {
			return fmt.Errorf("no process of the task beside after %v", since)
		}
		for pid := range found {
			s.other = pid
		}
		pause(ctx, 50*time.Millisecond)
	}
	return nil
}

// runTask runs a task whose one container is a shell script. It returns the task's ARN.
func (s *siege) runTask(ctx context.Context, family, script string) (string, error) {
	set := func(name, value string) types.KeyValuePair { return types.KeyValuePair{Name: &name, Value: &value} }
	_, err := s.calls.ECS.RegisterTaskDefinition(ctx, &ecs.RegisterTaskDefinitionInput{
		Family: &family, Cpu: aws.String("256"), Memory: aws.String("512"),
		ContainerDefinitions: []types.ContainerDefinition{{
			Name: aws.String("main"), Image: aws.String("flyball/web"), EntryPoint: []string{"/bin/sh", "-c"}, Command: []string{script},
			Environment: []types.KeyValuePair{
				set(taskMark, s.mark), set("SERVER", fmt.Sprint(s.server.pid())), set("OTHER", fmt.Sprint(s.other)), set("DATA", s.data), set("BINARY", s.binary),
			},
		}},
	})
	if err != nil {
		return "", err
	}
	out, err := s.calls.ECS.RunTask(ctx, &ecs.RunTaskInput{TaskDefinition: &family})
	if err != nil {
		return "", err
	}
	if len(out.Failures) > 0 {
		return "", fmt.Errorf("the task was not started: %s", aws.ToString(out.Failures[0].Reason))
	}
	return *out.Tasks[0].TaskArn, nil
}

// attack makes one attack, and says what it has reached.
func (s *siege) attack(ctx context.Context, a attack) (faults []fault, err error) {
	found := func(format string, args ...any) {
		faults = append(faults, fault{reached, a.name, a.name + ": " + fmt.Sprintf(format, args...)})
	}
	_ = os.Remove(hidingPlace) // which may not be there
	defer os.Remove(hidingPlace)
	arn, err := s.runTask(ctx, "attacker", a.script+"; exit 0")
	if err != nil {
		return nil, err
	}
	id := arn[strings.LastIndexByte(arn, '/')+1:]
	biggest, err := s.watch(ctx, arn, id)
	if err != nil {
		found("%v", err)
	}
	if biggest > mostOfALog {
		found("its log had %d MiB on disk", biggest>>20)
	}
	text, err := s.logOf(ctx, id)
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(text) {
		if what, is := strings.CutPrefix(line, reachedWord); is {
			found("it reached %s", strings.TrimSpace(what))
		}
	}
	log.Printf("%s: %d MiB of log at most", a.name, biggest>>20)
	return append(faults, s.unharmed(ctx, a.name)...), nil
}

// watch waits for a task's end, and stops it after a time. It returns how much of the
// task's log was on disk at most.
func (s *siege) watch(ctx context.Context, arn, id string) (most int64, err error) {
	for began, asked := time.Now(), (time.Time{}); ctx.Err() == nil; pause(ctx, 5*time.Millisecond) {
		most = max(most, onDisk(filepath.Join(s.data, "tasks", id)))
		if time.Since(asked) < time.Second {
			continue
		}
		asked = time.Now()
		out, err := s.calls.ECS.DescribeTasks(ctx, &ecs.DescribeTasksInput{Tasks: []string{arn}})
		if err != nil {
			return most, err
		}
		if len(out.Tasks) == 0 || aws.ToString(out.Tasks[0].LastStatus) == "STOPPED" {
			return most, nil
		}
		if time.Since(began) > s.within(attackWithin) {
			if _, err := s.calls.ECS.StopTask(ctx, &ecs.StopTaskInput{Task: &arn}); err != nil {
				return most, err
			}
		}
		if time.Since(began) > s.within(2*attackWithin) {
			return most, fmt.Errorf("the task does not end when it is stopped")
		}
	}
	return most, ctx.Err()
}

// onDisk is what the files of a folder take there, in bytes.
func onDisk(dir string) (sum int64) {
	_ = filepath.WalkDir(dir, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil {
			return nil //nolint:nilerr // it has gone
		}
		if info, err := entry.Info(); err == nil && info.Mode().IsRegular() {
			sum += info.Sys().(*syscall.Stat_t).Blocks * 512
		}
		return nil
	})
	return sum
}

// logOf is what is kept of a task's log.
func (s *siege) logOf(ctx context.Context, id string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.addr+"/console/api/logs?"+url.Values{"task": {id}}.Encode(), nil)
	if err != nil {
		return "", err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return string(text), err
}

// unharmed says what an attack has done to others, and has left.
func (s *siege) unharmed(ctx context.Context, name string) (faults []fault) {
	if _, err := s.calls.ECS.ListClusters(ctx, &ecs.ListClustersInput{}); err != nil {
		faults = append(faults, fault{reached, name + ", server", fmt.Sprintf("%s: the server does not answer: %v", name, err)})
	}
	left, err := processes(taskMark, s.mark)
	if err != nil {
		return append(faults, fault{orphan, name, err.Error()})
	}
	beside, runs := left[s.other]
	if !runs {
		faults = append(faults, fault{reached, name + ", beside", name + ": the task beside it has ended"})
	}
	maps.DeleteFunc(left, func(_ int, task string) bool { return task == beside })
	if len(left) > 0 {
		faults = append(faults, fault{orphan, name, fmt.Sprintf("%s: %d processes are left", name, len(left))})
	}
	before, err := os.Stat(hidingPlace)
	if err != nil {
		return faults // nobody hid
	}
	pause(ctx, 500*time.Millisecond)
	if after, err := os.Stat(hidingPlace); err == nil && after.Size() > before.Size() {
		faults = append(faults, fault{orphan, name + ", hidden", name + ": a process that hides runs"})
	}
	return faults
}
