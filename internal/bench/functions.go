package main

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

const (
	coldFunctions = 100
	warmCalls     = 2000
	together      = 1000
)

// A functionCaller calls functions through the SDK's client.
type functionCaller struct {
	*lambda.Client
	role *string
}

// functions measures invocations of a static program in Go, from the client's call to its
// answer: of functions that have no environment yet, of one that has, and many at once.
func functions(ctx context.Context, binary string) error {
	p, err := startAnew(ctx, binary)
	if err != nil {
		return err
	}
	defer p.end()
	f, err := openFunctions(ctx, p.url)
	if err != nil {
		return err
	}
	if err := f.coldCalls(ctx); err != nil {
		return err
	}
	if err := f.warmCalls(ctx); err != nil {
		return err
	}
	return f.together(ctx)
}

// openFunctions makes the functions that will be called.
func openFunctions(ctx context.Context, url string) (*functionCaller, error) {
	code, err := functionCode(ctx)
	if err != nil {
		return nil, err
	}
	cfg := aws.Config{Region: "us-east-1", BaseEndpoint: &url, Credentials: credentials.NewStaticCredentialsProvider("bench", "bench", "")}
	role, err := iam.NewFromConfig(cfg).CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String("bench"), AssumeRolePolicyDocument: aws.String(
		`{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}`)})
	if err != nil {
		return nil, err
	}
	f := &functionCaller{lambda.NewFromConfig(cfg), role.Role.Arn}
	for i := range coldFunctions {
		name := fmt.Sprint("f", i)
		_, err := f.CreateFunction(ctx, &lambda.CreateFunctionInput{
			FunctionName: &name, Role: f.role, Runtime: types.RuntimeProvidedal2023, Handler: aws.String("bootstrap"),
			Code: &types.FunctionCode{ZipFile: code}, MemorySize: aws.Int32(1769),
		})
		if err != nil {
			return nil, err
		}
		if err := lambda.NewFunctionActiveV2Waiter(f.Client).Wait(ctx, &lambda.GetFunctionInput{FunctionName: &name}, time.Minute); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// functionCode is the package of a function that answers what it is asked.
func functionCode(ctx context.Context) ([]byte, error) {
	dir, err := os.MkdirTemp("", "flyball-bench-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "bootstrap")
	build := exec.CommandContext(ctx, "go", "build", "-tags", "lambda.norpc", "-ldflags", "-s -w", "-o", path, "./internal/function/testdata/echo")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("building the function: %w: %s", err, out)
	}
	program, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	header := &zip.FileHeader{Name: "bootstrap", Method: zip.Deflate}
	header.SetMode(0o755)
	file, err := w.CreateHeader(header)
	if err == nil {
		_, err = file.Write(program)
	}
	err = errors.Join(err, w.Close())
	return b.Bytes(), err
}

// call invokes a function, and tells how long that took.
func (f *functionCaller) call(ctx context.Context, name string) (time.Duration, error) {
	began := time.Now()
	out, err := f.Invoke(ctx, &lambda.InvokeInput{FunctionName: &name, Payload: []byte(`{"voucher": 1}`)})
	if err == nil && out.FunctionError != nil {
		err = fmt.Errorf("function %s: %s", name, out.Payload)
	}
	return time.Since(began), err
}

// coldCalls calls each function once.
func (f *functionCaller) coldCalls(ctx context.Context) error {
	var took []time.Duration
	for i := range coldFunctions {
		d, err := f.call(ctx, fmt.Sprint("f", i))
		if err != nil {
			return err
		}
		took = append(took, d)
	}
	figure("function_cold_p50", quantile(took, 0.5), "ms")
	figure("function_cold_p99", quantile(took, 0.99), "ms")
	return nil
}

// warmCalls calls one function again and again.
func (f *functionCaller) warmCalls(ctx context.Context) error {
	var took []time.Duration
	for range warmCalls {
		d, err := f.call(ctx, "f0")
		if err != nil {
			return err
		}
		took = append(took, d)
	}
	figure("function_warm_p50", quantile(took, 0.5), "ms")
	figure("function_warm_p99", quantile(took, 0.99), "ms")
	return nil
}

// together calls one function many times at once.
func (f *functionCaller) together(ctx context.Context) error {
	var left atomic.Int64
	left.Store(together)
	began := time.Now()
	_, _, err := many(ctx, 200, 0, func(ctx context.Context) (int, error) {
		if left.Add(-1) < 0 {
			return 0, nil
		}
		_, err := f.call(ctx, "f1")
		return 1, err
	})
	if err == nil {
		figure(fmt.Sprintf("function_burst_of_%d", together), float64(time.Since(began).Milliseconds()), "ms")
	}
	return err
}
