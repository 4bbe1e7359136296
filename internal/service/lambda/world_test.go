package lambda_test

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/smithy-go"

	"flyball/internal/cell"
	"flyball/internal/clock"
	"flyball/internal/function"
	"flyball/internal/service/lambda"
	"flyball/internal/service/lambda/code"
	"flyball/internal/state"
	"flyball/internal/store"
)

const (
	account = "123456789012"
	region  = "eu-west-2"
	role    = "arn:aws:iam::123456789012:role/runs"
)

// A world is what a service is opened with, and the service.
type world struct {
	*lambda.API
	t      *testing.T
	runner *runner
	config lambda.Config
	folder string
	cell   *cell.Cell
}

// open opens a service in which there is nothing.
func open(t *testing.T) *world {
	t.Helper()
	st, err := store.OpenSQLite("")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	w := &world{t: t, folder: t.TempDir()}
	w.cell = &cell.Cell{
		Account: account, Region: region, Clock: clock.New(time.Now(), 1),
		State: state.New(st).Scope(cell.Scope(account, region)), Log: slog.New(slog.DiscardHandler),
	}
	w.runner = &runner{}
	w.config = lambda.Config{Cell: w.cell, Endpoint: "http://127.0.0.1:1", Runner: w.runner}
	w.restart()
	return w
}

// restart opens the service again with what is stored.
func (w *world) restart() {
	w.t.Helper()
	var err error
	if w.config.Code, err = code.Open(w.folder, slog.New(slog.DiscardHandler)); err != nil {
		w.t.Fatal(err)
	}
	if w.API, err = lambda.New(w.config); err != nil {
		w.t.Fatal(err)
	}
}

// create creates a function with some code.
func (w *world) create(name string, change ...func(*sdk.CreateFunctionInput)) *sdk.CreateFunctionOutput {
	w.t.Helper()
	out, err := w.CreateFunction(w.t.Context(), newFunction(w.t, name, change...))
	ok(w.t, err)
	return out
}

func newFunction(t *testing.T, name string, change ...func(*sdk.CreateFunctionInput)) *sdk.CreateFunctionInput {
	in := &sdk.CreateFunctionInput{
		FunctionName: &name, Role: aws.String(role), Runtime: types.RuntimeProvidedal2023, Handler: aws.String("bootstrap"),
		Code: &types.FunctionCode{ZipFile: zipped(t, "bootstrap", "code of "+name)},
	}
	for _, f := range change {
		f(in)
	}
	return in
}

// zipped is a package with files, given as names and contents.
func zipped(t *testing.T, files ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for i := 0; i < len(files); i += 2 {
		header := &zip.FileHeader{Name: files[i], Method: zip.Deflate}
		header.SetMode(fs.FileMode(0o755))
		f, err := w.CreateHeader(header)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write([]byte(files[i+1])); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// keep has a function keep concurrency.
func (w *world) keep(name string, n int32) error {
	_, err := w.PutFunctionConcurrency(w.t.Context(), &sdk.PutFunctionConcurrencyInput{FunctionName: &name, ReservedConcurrentExecutions: &n})
	return err
}

// ok ends a test in which a call has failed that may not.
func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// wants checks the error of a call.
func wants(t *testing.T, err error, code, message string) {
	t.Helper()
	var api smithy.APIError
	if !errors.As(err, &api) || api.ErrorCode() != code || api.ErrorMessage() != message {
		t.Errorf("got  %v\nwant %s: %s", err, code, message)
	}
}

// A runner answers invocations as it is told; else with their payload.
type runner struct {
	answer func(function.Function, function.Call) (function.Answer, error)

	mu      sync.Mutex
	calls   []function.Call
	ran     []function.Function
	retired []string
}

func (r *runner) Invoke(_ context.Context, fn function.Function, call function.Call) (function.Answer, error) {
	r.mu.Lock()
	r.calls, r.ran = append(r.calls, call), append(r.ran, fn)
	r.mu.Unlock()
	if r.answer != nil {
		return r.answer(fn, call)
	}
	return function.Answer{Payload: call.Payload, Duration: 12 * time.Millisecond}, nil
}

func (r *runner) Retire(arn string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.retired = append(r.retired, arn)
}

// failing is the answer of a function that has failed.
func failing(message string) function.Answer {
	return function.Answer{Payload: []byte(`{"errorMessage":"` + message + `","errorType":"Error"}`), Error: function.Unhandled}
}
