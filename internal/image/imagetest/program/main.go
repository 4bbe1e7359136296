// Command program is what tests put into images. Each argument is one thing to do, a
// word with what it is about behind a colon; "serve" is the last.
package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"
)

func main() {
	for _, arg := range os.Args[1:] {
		what, about, _ := strings.Cut(arg, ":")
		if err := do(what, about); err != nil {
			fmt.Println("failed:", err)
			os.Exit(1)
		}
	}
}

func do(what, about string) error {
	switch what {
	case "id":
		groups, err := os.Getgroups()
		fmt.Println("id", os.Getuid(), os.Getgid(), groups)
		return err
	case "pid":
		fmt.Println("pid", os.Getpid())
	case "args":
		fmt.Println("args", os.Args)
	case "env":
		fmt.Printf("env %s=%s\n", about, os.Getenv(about))
	case "cwd":
		dir, err := os.Getwd()
		fmt.Println("cwd", dir)
		return err
	case "host":
		name, err := os.Hostname()
		fmt.Println("host", name)
		return err
	case "cat":
		text, err := os.ReadFile(about)
		fmt.Printf("cat %s: %s\n", about, errorOr(string(text), err))
	case "stat":
		info, err := os.Lstat(about)
		fmt.Printf("stat %s: %s\n", about, errorOr(mode(info), err))
	case "write":
		fmt.Printf("write %s: %s\n", about, errorOr("done", os.WriteFile(about, []byte("written"), 0o644)))
	case "append":
		file, err := os.OpenFile(about, os.O_APPEND|os.O_WRONLY, 0)
		if err == nil {
			_, err = fmt.Fprintln(file, "appended")
		}
		fmt.Printf("append %s: %s\n", about, errorOr("done", err))
	case "status":
		text, err := os.ReadFile("/proc/self/status")
		for line := range strings.Lines(string(text)) {
			if strings.HasPrefix(line, about+":") {
				fmt.Print("status ", line)
			}
		}
		return err
	case "mknod":
		fmt.Printf("mknod %s: %s\n", about, errorOr("done", openNode(about)))
	case "exit":
		code, err := strconv.Atoi(about)
		if err == nil {
			os.Exit(code)
		}
		return err
	case "await":
		return await(about)
	case "require":
		_, err := os.Stat(about)
		return err
	case "requirecwd":
		return require(os.Getwd, about)
	case "requirehost":
		return require(os.Hostname, about)
	case "sleep":
		time.Sleep(time.Hour)
	case "serve":
		return http.ListenAndServe(os.Getenv("HOST")+":8080", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			name, _ := os.Hostname()
			fmt.Fprintf(w, "%s at %s\n", about, name)
		}))
	default:
		return fmt.Errorf("unknown: %s", what)
	}
	return nil
}

func require(what func() (string, error), want string) error {
	got, err := what()
	if err == nil && got != want {
		err = fmt.Errorf("it is %s, not %s", got, want)
	}
	return err
}

func errorOr(text string, err error) string {
	if err != nil {
		return err.Error()
	}
	return text
}

func mode(info fs.FileInfo) string {
	if info == nil {
		return ""
	}
	owner := info.Sys().(*syscall.Stat_t)
	return fmt.Sprintf("%v %d:%d", info.Mode(), owner.Uid, owner.Gid)
}

// openNode makes a node of this machine's memory device, and opens it.
func openNode(path string) error {
	if err := syscall.Mknod(path, syscall.S_IFCHR|0o600, 1<<8|1); err != nil {
		return err
	}
	file, err := os.Open(path)
	if err == nil {
		err = errors.Join(errors.New("opened"), file.Close())
	}
	return err
}

// await waits for a signal.
func await(name string) error {
	number, err := strconv.Atoi(name)
	if err != nil {
		return err
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.Signal(number))
	fmt.Println("waiting")
	fmt.Println("signal", <-signals)
	return nil
}
