package function

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// A runtimeClient speaks to the Runtime API as a program would that knows no rules.
type runtimeClient string

func (c runtimeClient) send(method, path, body string) (status int, header http.Header, answer string) {
	request, err := http.NewRequest(method, string(c)+path, strings.NewReader(body))
	if err != nil {
		panic(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		panic(err)
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(response.Body)
	return response.StatusCode, response.Header, strings.TrimSpace(string(text))
}

// next returns the path of the next invocation.
func (c runtimeClient) next() string {
	_, header, _ := c.send("GET", "invocation/next", "")
	return "invocation/" + header.Get(headerRequestID) + "/"
}

// runtimes are functions that speak to the Runtime API themselves.
var runtimes = map[string]func(runtimeClient){
	"twice": func(c runtimeClient) {
		for {
			path := c.next()
			first, _, _ := c.send("POST", path+"response", "1")
			second, _, why := c.send("POST", path+"response", "2")
			fmt.Println("answered", first, second, why)
		}
	},
	"stranger": func(c runtimeClient) {
		for {
			path := c.next()
			status, _, why := c.send("POST", "invocation/another/response", "1")
			fmt.Println("another", status, why)
			status, _, why = c.send("GET", "invocation/next", "")
			fmt.Println("impatient", status, why)
			status, _, why = c.send("POST", "init/error", "{}")
			fmt.Println("late", status, why)
			status, _, _ = c.send("POST", "../../2020-01-01/extension/register", "{}")
			fmt.Println("extension", status)
			c.send("POST", path+"response", "1")
		}
	},
	"garbage": func(c runtimeClient) {
		for {
			c.send("POST", c.next()+"response", "\x00\xffno JSON")
		}
	},
	"large": func(c runtimeClient) {
		for {
			status, _, why := c.send("POST", c.next()+"response", strings.Repeat("x", MaxPayload+1))
			fmt.Println("large", status, why)
		}
	},
	// It asks for an invocation and has gone before there is one.
	"gone": func(c runtimeClient) {
		if conn, err := net.Dial("tcp", os.Getenv("AWS_LAMBDA_RUNTIME_API")); err == nil {
			fmt.Fprint(conn, "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: api\r\n\r\n")
		}
	},
	"refuses": func(c runtimeClient) {
		c.send("POST", "init/error", `{"errorType":"Sorry","errorMessage":"not today"}`)
		time.Sleep(time.Hour)
	},
	"slow start": func(c runtimeClient) { time.Sleep(time.Hour) },
	"answers and ends": func(c runtimeClient) {
		c.send("POST", c.next()+"response", "1")
	},
}

func init() {
	handlers["disk"] = func(context.Context, json.RawMessage) (any, error) {
		block := make([]byte, 1<<20)
		for i := range 1024 {
			file, err := os.OpenFile(fmt.Sprintf("/tmp/%d", i%8), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
			if err != nil {
				return nil, err
			}
			if _, err := file.Write(block); err != nil {
				return nil, err
			}
			file.Close()
		}
		return "wrote 1 GB", nil
	}
	handlers["log"] = func(context.Context, json.RawMessage) (any, error) {
		line := []byte(strings.Repeat("x", 1023) + "\n")
		for range 64 << 10 {
			os.Stdout.Write(line)
		}
		return "wrote 64 MB", nil
	}
	handlers["memory"] = func(context.Context, json.RawMessage) (any, error) {
		var all [][]byte
		for {
			block := make([]byte, 8<<20)
			for i := 0; i < len(block); i += 4096 {
				block[i] = 1
			}
			all = append(all, block)
			runtime.KeepAlive(all)
		}
	}
	// A child whose child, in a session of its own, outlives it.
	handlers["fork"] = func(_ context.Context, event json.RawMessage) (any, error) {
		for range 5 {
			cmd := exec.Command("/bin/sh", "-c", "setsid sleep 98765 & setsid sh -c 'sleep 98765 & sleep 98765' & exit 0")
			if err := cmd.Run(); err != nil {
				return nil, err
			}
		}
		if string(event) == `"stay"` {
			return "left them", nil
		}
		time.Sleep(time.Hour)
		return nil, nil
	}
	// Threads, each of them busy with waiting.
	handlers["threads"] = func(_ context.Context, event json.RawMessage) (any, error) {
		n, _ := strconv.Atoi(string(event))
		var begun sync.WaitGroup
		for range n {
			begun.Add(1)
			go func() {
				runtime.LockOSThread()
				begun.Done()
				select {}
			}()
		}
		begun.Wait()
		return n, nil
	}
	// Connections to its Runtime API of which it makes no use.
	handlers["connect"] = func(_ context.Context, event json.RawMessage) (any, error) {
		for range 300 {
			if _, err := net.DialTimeout("tcp", os.Getenv("AWS_LAMBDA_RUNTIME_API"), time.Second); err != nil {
				return nil, err
			}
		}
		return event, nil
	}
	handlers["list"] = func(_ context.Context, event json.RawMessage) (any, error) {
		var folder string
		if err := json.Unmarshal(event, &folder); err != nil {
			return nil, err
		}
		found, err := os.ReadDir(folder)
		if errors.Is(err, os.ErrNotExist) {
			err = nil // what is above it is another folder to the function
		}
		return len(found), err
	}
	// It calls the Runtime API of another environment.
	handlers["knock"] = func(_ context.Context, event json.RawMessage) (any, error) {
		var at string
		if err := json.Unmarshal(event, &at); err != nil {
			return nil, err
		}
		client := http.Client{Timeout: 3 * time.Second}
		response, err := client.Get("http://" + at + "/2018-06-01/runtime/invocation/next")
		if err != nil {
			return "kept out", nil
		}
		return response.StatusCode, nil
	}
	handlers["address"] = func(context.Context, json.RawMessage) (any, error) { return os.Getenv("AWS_LAMBDA_RUNTIME_API"), nil }
	handlers["work"] = func(context.Context, json.RawMessage) (any, error) {
		time.Sleep(2 * time.Millisecond)
		return os.Getpid(), nil
	}
}

// forking is a function that leaves processes behind, which have a variable by which sleepers finds them: those of other runs of
// this test are not its.
func forking(t testing.TB, mark string) Function {
	fn := function(t, "fork")
	fn.Env = append(fn.Env, sleeperMark+mark)
	return fn
}

const sleeperMark = "FUNCTION_TEST_SLEEPER="

// sleepers are the processes that a function that forks has left.
func sleepers(mark string) (pids []int) {
	all, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, path := range all {
		line, err1 := os.ReadFile(filepath.Join(filepath.Dir(path), "cmdline"))
		environment, err2 := os.ReadFile(path)
		if err1 == nil && err2 == nil && strings.HasPrefix(string(line), "sleep\x00") && strings.Contains("\x00"+string(environment), "\x00"+sleeperMark+mark+"\x00") {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
			pids = append(pids, pid)
		}
	}
	return pids
}

func TestTheRuntimeAPIRefusesWhatIsOutOfTurn(t *testing.T) {
	h := newHost(t, Options{})
	const transition = `{"errorMessage":"State transition from %s to %s failed for runtime. Error: State transition is not allowed","errorType":"InvalidStateTransition"}`
	for _, test := range []struct{ handler, payload, failure, log string }{
		{"twice", "1", "", "answered 202 403 " + fmt.Sprintf(transition, "RuntimeResponseSentState", "RuntimeResponseSentState")},
		{"stranger", "1", "", "another 400 {\"errorMessage\":\"Invalid request ID\",\"errorType\":\"InvalidRequestID\"}\n" +
			"impatient 403 " + fmt.Sprintf(transition, "Running", "Ready") + "\nlate 403 " + fmt.Sprintf(transition, "Running", "InitError") + "\nextension 403\n"},
		{"garbage", "\x00\xffno JSON", "", ""},
		{"large", `{"errorType":"Function.ResponseSizeTooLarge","errorMessage":"Response payload size exceeded maximum allowed payload size (6291556 bytes)."}`, Unhandled,
			`large 413 {"errorMessage":"Exceeded maximum allowed payload size (6291556 bytes).","errorType":"RequestEntityTooLarge"}`},
		{"refuses", `{"errorType":"Sorry","errorMessage":"not today"}`, Unhandled, ""},
		{"answers and ends", "1", "", ""},
	} {
		t.Run(test.handler, func(t *testing.T) {
			fn := function(t, test.handler)
			fn.ARN += test.handler
			for range 2 { // the environment is as good as before
				answer := invoke(t, h, fn, `{}`)
				if string(answer.Payload) != test.payload || answer.Error != test.failure {
					t.Errorf("answered %q, %q", answer.Error, answer.Payload)
				}
				if !strings.Contains(string(answer.Log), test.log) {
					t.Errorf("the log's end has no %q:\n%s", test.log, answer.Log)
				}
			}
		})
	}
}

func TestNobodyElseUsesTheRuntimeAPIOfAnEnvironment(t *testing.T) {
	h := newHost(t, Options{})
	one, other := function(t, "address"), function(t, "knock")
	other.ARN += "other"
	at := invoke(t, h, one, `{}`)
	if strings.Contains(string(at.Payload), "127.0.0.1:") {
		t.Skip("environments share the network of this machine")
	}
	if answer := invoke(t, h, other, string(at.Payload)); string(answer.Payload) != `"kept out"` {
		t.Errorf("another environment got %s", answer.Payload)
	}
	var address string
	if err := json.Unmarshal(at.Payload, &address); err != nil {
		t.Fatal(err)
	}
	client := http.Client{Timeout: time.Second}
	if response, err := client.Get("http://" + address + "/2018-06-01/runtime/invocation/next"); err == nil {
		t.Errorf("this machine got %d", response.StatusCode)
	}
	if again := invoke(t, h, one, `{}`); string(again.Payload) != string(at.Payload) {
		t.Errorf("the environment answered %s then", again.Payload)
	}
}

func TestAFunctionThatDoesNotStartInTimeTimesOut(t *testing.T) {
	h := newHost(t, Options{})
	fn := function(t, "slow start")
	fn.Init, fn.Timeout = 200*time.Millisecond, 300*time.Millisecond
	begun := time.Now()
	answer := invoke(t, h, fn, `{}`)
	if !strings.Contains(string(answer.Payload), "Task timed out after 0.30 seconds") || answer.Duration < fn.Timeout {
		t.Errorf("answered after %v: %s", time.Since(begun), answer.Payload)
	}
}

func TestAFunctionThatFillsItsDiskIsEnded(t *testing.T) {
	h := newHost(t, Options{})
	if !h.tasks.Mounts() {
		t.Skip("/tmp is this machine's")
	}
	fn := function(t, "disk")
	fn.Storage, fn.Timeout = 128, time.Minute
	answer := invoke(t, h, fn, `{}`)
	if !strings.Contains(string(answer.Payload), "No space left on device") {
		t.Errorf("answered %s", answer.Payload)
	}
	eventually(t, "what it has written is gone", func() bool {
		left, _ := os.ReadDir(h.scratch())
		return len(left) == 0
	})
}

// What waits to be put is bounded, however long it takes: what a function writes meanwhile is left out.
func TestAFunctionThatFloodsItsLogLosesLines(t *testing.T) {
	logs := &held{release: make(chan struct{})}
	h := newHost(t, Options{Logs: logs})
	release := sync.OnceFunc(func() { close(logs.release) })
	t.Cleanup(release)
	fn := function(t, "log")
	fn.Timeout = time.Minute
	answer := invoke(t, h, fn, `{}`)
	release()
	if string(answer.Payload) != `"wrote 64 MB"` {
		t.Fatalf("answered %s", answer.Payload)
	}
	eventually(t, "the log tells that lines have been left out", func() bool { return strings.Contains(logs.text(), "lines have been left out here") })
	if text := logs.text(); len(text) > 16<<20 {
		t.Errorf("the log has %d MB", len(text)>>20)
	}
	if len(answer.Log) != tailBytes || !strings.Contains(string(answer.Log), "REPORT RequestId") {
		t.Errorf("the log's end has %d bytes:\n%s", len(answer.Log), answer.Log)
	}
}

// held are logs that take nothing before they are released.
type held struct {
	record
	release chan struct{}
}

func (h *held) Put(ctx context.Context, fn Function, stream string, lines []Line) error {
	<-h.release
	return h.record.Put(ctx, fn, stream, lines)
}

func TestAFunctionThatTakesAllMemoryIsEnded(t *testing.T) {
	h := newHost(t, Options{})
	fn := function(t, "memory")
	fn.Memory = 128
	answer := invoke(t, h, fn, `{}`)
	if !strings.Contains(string(answer.Payload), `"errorType":"Runtime.OutOfMemory"`) {
		t.Errorf("answered %s", answer.Payload)
	}
	if answer.Memory < 64 {
		t.Errorf("it has used %d MB of 128", answer.Memory)
	}
}

func TestProcessesThatAFunctionLeavesEndWithItsEnvironment(t *testing.T) {
	h, mark := newHost(t, Options{}), t.TempDir()
	fn := forking(t, mark)
	if answer := invoke(t, h, fn, `"stay"`); answer.Error != "" {
		t.Fatalf("answered %s", answer.Payload)
	}
	eventually(t, "it has left processes", func() bool { return len(sleepers(mark)) > 0 })
	fn.Revision, fn.Timeout = "2", 2*time.Second // which ends the environment before
	if answer := invoke(t, h, fn, `"wait"`); !strings.Contains(string(answer.Payload), "Task timed out") {
		t.Errorf("answered %s", answer.Payload)
	}
	eventually(t, "they have ended", func() bool { return len(sleepers(mark)) == 0 })
}

func TestAFunctionDoesNotSeeWhatIsHidden(t *testing.T) {
	own, err := os.MkdirTemp("/var/tmp", "flyball-")
	if err != nil {
		t.Skip("no folder outside of /tmp: ", err)
	}
	t.Cleanup(func() { os.RemoveAll(own) })
	if err := os.WriteFile(filepath.Join(own, "state"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(own, 0o755); err != nil {
		t.Fatal(err)
	}
	h := newHost(t, Options{Dir: filepath.Join(own, "environments"), Hidden: own})
	if !h.tasks.Mounts() {
		t.Skip("nothing can be mounted")
	}
	text, _ := json.Marshal(own)
	if answer := invoke(t, h, function(t, "list"), string(text)); string(answer.Payload) != "0" {
		t.Errorf("it saw %s", answer.Payload)
	}
}

func TestAFunctionHasNoMoreThreadsThanLambdasHave(t *testing.T) {
	groups := "/sys/fs/cgroup/pids"
	if _, err := os.Stat(groups); err != nil {
		groups = "/sys/fs/cgroup" // of version 2, which has one tree
	}
	own := filepath.Join(groups, fmt.Sprint("function-test-", os.Getpid()))
	if err := errors.Join(os.Mkdir(own, 0o755), os.Remove(own)); err != nil {
		t.Skip("nothing limits them without cgroups: ", err)
	}
	h := newHost(t, Options{})
	fn := function(t, "threads")
	if answer := invoke(t, h, fn, `900`); answer.Error != "" {
		t.Errorf("with 900 it answered %s", answer.Payload)
	}
	if answer := invoke(t, h, fn, `200`); !strings.Contains(string(answer.Payload), exitError) {
		t.Errorf("with 1,100 it answered %s", answer.Payload)
	}
}

func TestAFunctionTakesNoDescriptorsOfTheServer(t *testing.T) {
	h := newHost(t, Options{})
	fn := function(t, "connect")
	before := descriptors(t)
	if answer := invoke(t, h, fn, `1`); string(answer.Payload) != `1` {
		t.Errorf("answered %s", answer.Payload)
	}
	if more := descriptors(t) - before; more > 2*connections {
		t.Errorf("%d descriptors of the server are in use for it", more)
	}
}

// descriptors is how many this process has open.
func descriptors(t *testing.T) int {
	open, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip("nothing tells of them: ", err)
	}
	return len(open)
}

func TestAnEnvironmentThatIsGoneWhenItIsReadyIsAFailure(t *testing.T) {
	h := newHost(t, Options{})
	fn := function(t, "gone")
	for range 3 {
		if answer := invoke(t, h, fn, `1`); answer.Error != Unhandled || !strings.Contains(string(answer.Payload), exitError) {
			t.Errorf("answered %q with the error %q", answer.Payload, answer.Error)
		}
	}
}

func TestTheHostEndsTheInvocationsOfFunctionsThatAreNoMore(t *testing.T) {
	fn := function(t, "sleep")
	fn.Timeout = time.Hour
	answered := make(chan error, 1)
	t.Run("host", func(t *testing.T) {
		h := newHost(t, Options{})
		go func() {
			_, err := h.Invoke(context.Background(), fn, call(`1`))
			answered <- err
		}()
		eventually(t, "it runs", func() bool {
			h.mu.Lock()
			defer h.mu.Unlock()
			return h.pools[fn.ARN] != nil && len(h.pools[fn.ARN].all) == 1 && h.starting == 0
		})
		h.Retire(fn.ARN)
	})
	if err := <-answered; err != nil {
		t.Error(err)
	}
}

func TestAThousandInvocationsShareTheEnvironmentsThatThereAre(t *testing.T) {
	h := newHost(t, Options{Environments: 10})
	fn := function(t, "work")
	var all sync.WaitGroup
	var cold, failed atomic.Int64
	for range 1000 {
		all.Go(func() {
			answer, err := h.Invoke(context.Background(), fn, call(`{}`))
			if err != nil || answer.Error != "" {
				failed.Add(1)
			}
			if answer.Cold {
				cold.Add(1)
			}
		})
	}
	all.Wait()
	if failed.Load() > 0 || cold.Load() > 10 {
		t.Errorf("%d failed, %d environments were started", failed.Load(), cold.Load())
	}
}

func TestAFullHostMakesRoomOfIdleEnvironmentsOfOthers(t *testing.T) {
	h := newHost(t, Options{Environments: 1})
	one, other := function(t, "echo"), function(t, "echo")
	other.ARN += "other"
	for range 2 {
		invoke(t, h, one, `1`)
		if answer := invoke(t, h, other, `2`); string(answer.Payload) != `2` {
			t.Errorf("answered %s", answer.Payload)
		}
	}
	busy := function(t, "sleep")
	busy.ARN, busy.Timeout = busy.ARN+"busy", 2*time.Second
	var all sync.WaitGroup
	all.Go(func() { _, _ = h.Invoke(context.Background(), busy, call(`{}`)) })
	eventually(t, "the host is busy", func() bool {
		h.mu.Lock()
		defer h.mu.Unlock()
		return h.pools[busy.ARN] != nil && len(h.pools[busy.ARN].all) == 1
	})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := h.Invoke(ctx, one, call(`1`)); err != context.DeadlineExceeded {
		t.Errorf("a call that waited for room ended with %v", err)
	}
	all.Wait()
}

// The test starts this binary as a server, which starts an environment and is
// killed.
func TestNoProcessIsLeftAfterTheStartThatFollowsAKill(t *testing.T) {
	dir, code := t.TempDir(), bootstrap(t)
	cmd := exec.Command("/proc/self/exe", "-test.run=TestServerThatIsKilled", "-test.timeout=2m")
	cmd.Env = append(os.Environ(), "FUNCTION_TEST_DIR="+dir, "FUNCTION_TEST_CODE="+code, "TMPDIR="+t.TempDir()) // which it leaves
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Wait() }()
	defer func() { _ = cmd.Process.Signal(syscall.SIGKILL) }()
	begin := make([]byte, 9)
	if _, err := io.ReadFull(out, begin); err != nil || string(begin) != "left them" {
		t.Fatalf("the server said %q, %v", begin, err)
	}
	if len(sleepers(dir)) == 0 {
		t.Fatal("the function has left no process")
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	newHost(t, Options{Dir: dir})
	eventually(t, "the processes of the life before have ended", func() bool { return len(sleepers(dir)) == 0 })
}

// TestServerThatIsKilled is the server of the test above.
func TestServerThatIsKilled(t *testing.T) {
	if os.Getenv("FUNCTION_TEST_DIR") == "" {
		t.Skip("this is for another test")
	}
	h := newHost(t, Options{Dir: os.Getenv("FUNCTION_TEST_DIR")})
	fn := forking(t, os.Getenv("FUNCTION_TEST_DIR"))
	fn.Code = os.Getenv("FUNCTION_TEST_CODE")
	answer := invoke(t, h, fn, `"stay"`)
	fmt.Print(strings.Trim(string(answer.Payload), `"`))
	select {}
}
