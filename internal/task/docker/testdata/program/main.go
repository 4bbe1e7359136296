// Program is what the tests put into images: flyball's built-in workloads, and
// a few things that containers do.
package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"

	_ "flyball/internal/workload/web"
)

func main() {
	if err := run(os.Args[1], os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(mode string, args []string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	switch mode {
	case "exit":
		code, err := strconv.Atoi(args[0])
		if err != nil {
			return err
		}
		fmt.Println("to standard output")
		fmt.Fprintln(os.Stderr, "to standard error")
		os.Exit(code)
	case "wait": // for SIGTERM
		fmt.Println("ready", os.Getenv("COLOUR"))
		<-ctx.Done()
	case "stay": // through SIGTERM
		signal.Ignore(syscall.SIGTERM)
		fmt.Println("ready")
		select {}
	case "lines": // to both outputs, then one of many bytes without an end
		n, err := strconv.Atoi(args[0])
		if err != nil {
			return err
		}
		for i := range n {
			fmt.Printf("out %d\n", i)
			fmt.Fprintf(os.Stderr, "err %d\n", i)
		}
		fmt.Print(strings.Repeat("0123456789", 60_000))
	case "get":
		resp, err := http.Get(args[0])
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		_, err = io.Copy(os.Stdout, resp.Body)
		return err
	}
	return nil
}
