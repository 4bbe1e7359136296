// The workshop's application once more, in Go: / answers at once, /computation is hard
// work. It is one static program, so its image needs nothing below it.
package main

import (
	"cmp"
	"context"
	"crypto/md5"
	"errors"
	"fmt"
	"log"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// rounds makes a computation take about as long as in the application for Node, whose
// rounds are slower.
const rounds = 250_000

func main() {
	hostname := cmp.Or(os.Getenv("HOSTNAME"), "unnamed")
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintf(w, "Hello from %s!\n", hostname) })
	mux.HandleFunc("GET /computation", func(w http.ResponseWriter, r *http.Request) {
		if hash, err := computation(r.Context()); err == nil {
			fmt.Fprintln(w, hash)
		}
	})
	server := &http.Server{Addr: ":" + cmp.Or(os.Getenv("PORT"), "8080"), Handler: mux}

	// A task that is stopped gets SIGTERM: answer what was asked, then go.
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	context.AfterFunc(ctx, func() { _ = server.Shutdown(context.Background()) })
	log.SetFlags(0) // each line of a log has its time already, on the server's clock
	log.Printf("The application listens on %s.", server.Addr)
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		log.Fatal(err)
	}
}

// computation hashes the hash before and the time, over and over. It gives up when nobody
// waits for its result any more.
func computation(ctx context.Context) (string, error) {
	var hash string
	for i := range rounds {
		if i%1000 == 0 && ctx.Err() != nil {
			return "", ctx.Err()
		}
		hash = fmt.Sprintf("%x", md5.Sum(fmt.Appendf(nil, "%s%d", hash, time.Now().UnixNano())))
	}
	return hash, nil
}
