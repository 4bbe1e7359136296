// Command torture does to a server what the world may do to it, on purpose, and
// counts what comes of it. A fault has a name, and rounds:
//
//	kill         kill -9 or SIGTERM under load, again and again
//	queue        kill -9 while messages go through queues, 1,000 messages a round
//	flip         a bit of its data folder flipped
//	remove       a part of its data folder removed or replaced
//	full         its disk filled while clients write
//	jump         its machine suspended, and the wall clock set back and put right
//	attack       a task that attacks its server
//	assault      hostile bodies, headers and readers
//	descriptors  40 tasks, and 64 descriptors
//	stop         SIGTERM while it starts
//	intrude      a program that may not start tasks and tries to
//	page         a web page in a browser that tries to call it
//	owner        the one of three replicas that answers, killed, stopped or cut off; PostgreSQL restarted
//	database     the disk of three replicas' PostgreSQL filled while clients write
//
// Each fault has a data folder of its own and is bounded in time. A table says how
// often each was attempted and what failed; the status is 1 if anything has. A fault
// for which means lack here, such as root, is skipped, and the table says why.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"math/rand/v2"
	"net/http"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"syscall"
	"time"
)

func main() {
	log.SetFlags(0)
	http.DefaultTransport.(*http.Transport).MaxIdleConnsPerHost = 32
	var o options
	only := flag.String("only", "", "the faults to make, with commas between them, in place of all")
	flag.IntVar(&o.rounds, "rounds", 100, "how often each fault is made")
	flag.DurationVar(&o.bound, "bound", 10*time.Minute, "begin no round of a fault after so long")
	flag.Float64Var(&o.slow, "slow", max(1, load()), "how many times as long as usual the server may take; how busy the machine is if it is not said")
	flag.Float64Var(&o.memory, "memory", 1, "how many times as much memory as usual it may have")
	flag.Uint64Var(&o.seed, "seed", rand.Uint64(), "of what is chosen; what a kill meets is a matter of the moment, too")
	flag.StringVar(&o.binary, "flyball", "bin/flyball", "the program to torture")
	flag.StringVar(&o.runtime, "runtime", "process", "how tasks run; only processes are looked for")
	flag.Float64Var(&o.speed, "speed", 60, "of the server's clock, where the wall clock is left alone")
	intruding := flag.Bool("intrude", false, "be a program that tries to start tasks")
	flag.Parse()
	// Calls to a server that was killed break, and so may the pipe that this is
	// written to: neither is to end the run without its cleaning up.
	signal.Ignore(syscall.SIGPIPE)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	if *intruding {
		if err := intrude(ctx); err != nil {
			log.Fatal("intrude: ", err)
		}
		return
	}
	chosen, err := choose(*only)
	if err != nil {
		log.Fatal("torture: ", err)
	}
	log.Printf("seed %d; %.1f times as long as usual is allowed", o.seed, o.slow)
	var results []result
	for _, t := range chosen {
		log.SetPrefix(t.name + ": ")
		if ctx.Err() == nil { // what was found until then is told
			results = append(results, t.run(ctx, o))
		}
	}
	stop()
	if printResults(os.Stdout, results) > 0 {
		os.Exit(1)
	}
}

// load is how many programs have wanted each processor in the last minute.
func load() (each float64) {
	text, _ := os.ReadFile("/proc/loadavg") // 0 where there is none
	_, _ = fmt.Sscan(string(text), &each)
	return each / float64(runtime.NumCPU())
}

// choose finds torments by their names; all of them if none is named.
func choose(names string) ([]torment, error) {
	if names == "" {
		return torments, nil
	}
	var chosen []torment
	for name := range strings.SplitSeq(names, ",") {
		found := false
		for _, t := range torments {
			if t.name == name {
				chosen, found = append(chosen, t), true
			}
		}
		if !found {
			return nil, fmt.Errorf("there is no fault %q; see the package's documentation for those that there are", name)
		}
	}
	return chosen, nil
}
