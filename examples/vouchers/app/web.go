package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"log"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// A sender puts messages into a queue; a client of SQS is one.
type sender interface {
	SendMessage(context.Context, *sqs.SendMessageInput, ...func(*sqs.Options)) (*sqs.SendMessageOutput, error)
}

// web is the service that users see.
type web struct {
	db    database
	queue sender
	url   string
}

func (w web) serve(ctx context.Context, address string) error {
	server := &http.Server{Addr: address, Handler: w.handler(), ReadHeaderTimeout: 10 * time.Second, BaseContext: func(net.Listener) context.Context { return context.WithoutCancel(ctx) }}
	drained := make(chan error, 1)
	context.AfterFunc(ctx, func() { drained <- server.Shutdown(context.WithoutCancel(ctx)) })
	log.Printf("web: listens on %s", address)
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-drained
}

func (w web) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("POST /vouchers", w.upload)
	mux.HandleFunc("GET /vouchers/{id}", w.status)
	mux.HandleFunc("GET /waiting", w.waiting)
	return mux
}

// A task is what the message of an upload says.
type task struct {
	ID   string `json:"id"`
	Code string `json:"code"`
}

// upload takes {"code": "V-1"} and answers with where to ask for what becomes of it.
func (w web) upload(rw http.ResponseWriter, r *http.Request) {
	var t task
	if err := json.NewDecoder(http.MaxBytesReader(rw, r.Body, 4<<10)).Decode(&t); err != nil || strings.TrimSpace(t.Code) == "" || len(t.Code) > 100 {
		http.Error(rw, `upload {"code": "V-1"}, of 100 characters at most`, http.StatusBadRequest)
		return
	}
	t.ID = rand.Text()
	body, err := json.Marshal(t)
	if err == nil {
		err = w.db.take(r.Context(), t.ID, t.Code)
	}
	if err == nil {
		_, err = w.queue.SendMessage(r.Context(), &sqs.SendMessageInput{QueueUrl: &w.url, MessageBody: aws.String(string(body))})
	}
	if err != nil { // an upload without a message stays pending; its ID was never told
		log.Printf("web: upload: %v", err)
		http.Error(rw, "try again", http.StatusServiceUnavailable)
		return
	}
	rw.Header().Set("Location", "/vouchers/"+t.ID)
	reply(rw, http.StatusAccepted, upload{ID: t.ID, Code: t.Code, Status: pending})
}

func (w web) status(rw http.ResponseWriter, r *http.Request) {
	u, ok, err := w.db.find(r.Context(), r.PathValue("id"))
	switch {
	case err != nil:
		log.Printf("web: status: %v", err)
		http.Error(rw, "try again", http.StatusServiceUnavailable)
	case !ok:
		http.NotFound(rw, r)
	default:
		reply(rw, http.StatusOK, u)
	}
}

// waiting tells how long the vouchers of the last minute waited, or of as long as asked.
func (w web) waiting(rw http.ResponseWriter, r *http.Request) {
	last, err := time.ParseDuration(cmp.Or(r.FormValue("last"), "1m"))
	if err != nil {
		http.Error(rw, "last: "+err.Error(), http.StatusBadRequest)
		return
	}
	waited, err := w.db.waiting(r.Context(), time.Now().Add(-last))
	if err != nil {
		log.Printf("web: waiting: %v", err)
		http.Error(rw, "try again", http.StatusServiceUnavailable)
		return
	}
	reply(rw, http.StatusOK, waited)
}

// reply answers with a document. A client that is gone is not told.
func reply(rw http.ResponseWriter, status int, v any) {
	rw.Header().Set("Content-Type", "application/json")
	rw.WriteHeader(status)
	_ = json.NewEncoder(rw).Encode(v)
}
