// The voucher application: a web service takes vouchers in and puts them into a queue;
// workers take them from there, look them up in a database and write down what they
// found, so that whoever asks sees validity and balance.
//
//	app web       # POST /vouchers, GET /vouchers/ID
//	app worker
//
// Both find in their environment QUEUE_URL, and in DATABASE the file that they share.
package main

import (
	"cmp"
	"context"
	"fmt"
	"log"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

func main() {
	log.SetFlags(0) // each line of a log has its time already, on the server's clock
	// A task that is stopped gets SIGTERM: finish what is at hand, then go.
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("say web or worker")
	}
	db, err := openDatabase(cmp.Or(os.Getenv("DATABASE"), "vouchers.db"))
	if err != nil {
		return err
	}
	defer db.Close()
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return err
	}
	queue, url := sqs.NewFromConfig(cfg), os.Getenv("QUEUE_URL")
	switch args[0] {
	case "web":
		w := web{db, queue, url}
		return w.serve(ctx, ":"+cmp.Or(os.Getenv("PORT"), "8080"))
	case "worker":
		each, err := time.ParseDuration(cmp.Or(os.Getenv("TIME_PER_VOUCHER"), "100ms"))
		if err != nil {
			return fmt.Errorf("TIME_PER_VOUCHER: %w", err)
		}
		// On AWS a second is a second. A server whose clock is faster tells its tasks.
		speed, err := strconv.ParseFloat(cmp.Or(os.Getenv("FLYBALL_SPEED"), "1"), 64)
		if err != nil || !(speed > 0) {
			return fmt.Errorf("FLYBALL_SPEED: %q is no speed", os.Getenv("FLYBALL_SPEED"))
		}
		w := worker{db: db, queue: queue, url: url, each: each, speed: speed}
		w.run(ctx)
		return nil
	}
	return fmt.Errorf("there is no %q: say web or worker", args[0])
}
