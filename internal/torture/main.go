// Command torture kills a server under load, again and again, and counts what
// that does to its state and its tasks:
//
//	start ──> read all that the server shows, compare it with what it acknowledged
//	      ──> load: clients that write, readers that remember what they are shown
//	      ──> kill -9, or SIGTERM ──> start
//
// Each writer has things of its own and makes one call at a time, so that it
// knows what must be there after a restart: all that was acknowledged, and of the
// call that was cut off all or nothing. It prints a line for each kind of fault
// and ends with status 1 if there is any.
//
// With -queues it sends messages through a standard and a FIFO queue instead, and takes
// them out, until all have come. With -flips it flips bits of a data folder and looks whether
// the server tells of it. With -attacks it has tasks attack their server.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	log.SetFlags(0)
	http.DefaultTransport.(*http.Transport).MaxIdleConnsPerHost = 32
	var o options
	flag.IntVar(&o.rounds, "rounds", 1000, "how often the server is killed or stopped")
	seconds := flag.Int("seconds", 3600, "begin no round after so many seconds")
	flag.Uint64Var(&o.seed, "seed", uint64(time.Now().UnixNano()), "of what the clients choose to do; what a kill meets is a matter of the moment, too")
	flag.StringVar(&o.binary, "flyball", "bin/flyball", "the program to kill")
	flag.StringVar(&o.runtime, "runtime", "process", "how tasks run; only processes are looked for")
	flag.Float64Var(&o.speed, "speed", 60, "of the server's clock")
	messages := flag.Int("queues", 0, "send so many messages through queues, in place of all else")
	attacking := flag.Bool("attacks", false, "have tasks attack their server, in place of all else")
	flips := flag.Bool("flips", false, "flip a bit of the data folder in each round, in place of all else")
	flag.Parse()
	o.until = time.Now().Add(time.Duration(*seconds) * time.Second)
	// Calls to a server that was killed break, and so may the pipe that this is
	// written to: neither is to end the run without its cleaning up.
	signal.Ignore(syscall.SIGPIPE)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	work := func() (*tally, error) { return torture(ctx, o) }
	if *flips {
		work = func() (*tally, error) { return tortureFlips(ctx, o) }
	}
	if *messages > 0 {
		work = func() (*tally, error) { return tortureQueues(ctx, o, *messages) }
	}
	if *attacking {
		work = func() (*tally, error) { return tortureAttacks(ctx, o) }
	}
	t, err := work()
	stop()
	if t != nil {
		t.print(os.Stdout)
	}
	if err != nil {
		log.Fatal("torture: ", err)
	}
	if n := t.total(); n > 0 {
		fmt.Fprintf(os.Stderr, "torture: %d faults\n", n)
		os.Exit(1)
	}
}
