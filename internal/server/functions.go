package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws/arn"

	"flyball/internal/function"
	"flyball/internal/service/lambda"
	"flyball/internal/task/process"
)

// functions runs the functions of all cells, in a host that is opened when the first of
// them is invoked.
type functions struct {
	options function.Options
	life    context.Context
	end     context.CancelFunc

	mu       sync.Mutex
	host     *function.Host
	own      net.Listener // on the network of functions, if they have one
	endpoint string       // where functions find the server, once one of them has asked
	ended    bool
	running  sync.WaitGroup
}

// openFunctions readies the functions' host. What environments an earlier life has left
// are ended now.
func (s *Server) openFunctions() error {
	network := process.NetworkLoopback
	if _, ok := s.runtime.(*process.Runtime); ok {
		network = process.NetworkMode(s.cfg.TaskNetwork)
	}
	s.functions = &functions{options: function.Options{
		Dir: s.dir.environments(), Hidden: s.dir.path, Logs: functionLogs{s}, Environ: s.functionEnviron, Enter: s.reserve.Enter,
		Network: network, Range: s.cfg.TaskRange, Log: s.cfg.Log,
	}}
	s.functions.life, s.functions.end = context.WithCancel(context.Background())
	if _, err := os.Stat(s.functions.options.Dir); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	_, err := s.functions.open()
	return err
}

// open is the host.
func (f *functions) open() (*function.Host, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ended {
		return nil, function.ErrClosed
	}
	if f.host != nil {
		return f.host, nil
	}
	host, err := function.New(f.options)
	if err != nil {
		return nil, fmt.Errorf("open the environments of functions: %w", err)
	}
	f.host = host
	f.running.Go(func() {
		if err := host.Run(f.life); err != nil {
			f.options.Log.Warn("the environments of functions could not be ended", "reason", err)
		}
	})
	return host, nil
}

// Invoke implements lambda.Runner.
func (f *functions) Invoke(ctx context.Context, fn function.Function, call function.Call) (function.Answer, error) {
	host, err := f.open()
	if err != nil {
		return function.Answer{}, err
	}
	return host.Invoke(ctx, fn, call)
}

// Provision implements lambda.Provisioner.
func (f *functions) Provision(fn function.Function, n int) {
	host, err := f.open()
	if err != nil {
		f.options.Log.Warn("environments cannot be provisioned", "function", fn.ARN, "error", err)
		return
	}
	host.Provision(fn, n)
}

// Provisioning implements lambda.Provisioner.
func (f *functions) Provisioning(arn string) (p function.Provisioning) {
	f.mu.Lock()
	host := f.host
	f.mu.Unlock()
	if host != nil {
		p = host.Provisioning(arn)
	}
	return p
}

// Retire implements lambda.Runner.
func (f *functions) Retire(arn string) {
	f.mu.Lock()
	host := f.host
	f.mu.Unlock()
	if host != nil {
		host.Retire(arn)
	}
}

// HasSocket implements socketHolder.
func (f *functions) HasSocket(inode uint64) (id string, ok bool) {
	f.mu.Lock()
	host := f.host
	f.mu.Unlock()
	if host == nil {
		return "", false
	}
	return host.HasSocket(inode)
}

// MayHide implements socketHolder.
func (f *functions) MayHide(inode uint64) bool {
	f.mu.Lock()
	host := f.host
	f.mu.Unlock()
	return host != nil && host.MayHide(inode)
}

// close ends all environments.
func (f *functions) close() {
	f.mu.Lock()
	f.ended = true
	if f.own != nil {
		_ = f.own.Close() // nobody is there any more
	}
	f.mu.Unlock()
	f.end()
	f.running.Wait()
}

// removeEnvironments ends the environments that a temporary folder tells of.
func (s *Server) removeEnvironments(dir string) error {
	path := folder{path: dir}.environments()
	if _, err := os.Stat(path); err != nil {
		return nil
	}
	left := functions{options: function.Options{Dir: path, Network: process.NetworkLoopback, Log: s.cfg.Log}}
	left.life, left.end = context.WithCancel(context.Background())
	_, err := left.open()
	left.close()
	return err
}

// functionCell is the Lambda of the cell that a function is in.
func (s *Server) functionCell(name string) (*lambda.API, error) {
	a, err := arn.Parse(name)
	if err != nil {
		return nil, err
	}
	v, err := s.servicesAt(a)
	if err != nil {
		return nil, err
	}
	return v.lambda, nil
}

// functionEnviron are the variables of a function's new environment.
func (s *Server) functionEnviron(ctx context.Context, fn function.Function) ([]string, error) {
	api, err := s.functionCell(fn.ARN)
	if err != nil {
		return nil, err
	}
	endpoint, err := s.functionEndpoint(ctx)
	if err != nil {
		return nil, err
	}
	return api.Environ(ctx, fn, endpoint)
}

// functionEndpoint is where functions find the server: at an address of their own network,
// where it listens from the first environment on, or where programs of this machine find it.
func (s *Server) functionEndpoint(ctx context.Context) (string, error) {
	f := s.functions
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ended {
		return "", function.ErrClosed
	}
	if f.endpoint != "" {
		return f.endpoint, nil
	}
	l, err := s.listenForFunctions(ctx)
	if err != nil {
		return "", fmt.Errorf("listen on the network of functions: %w", err)
	}
	if f.endpoint = s.hostEndpoint; l == nil {
		return f.endpoint, nil
	}
	f.own, f.endpoint = l, "http://"+l.Addr().String()
	f.running.Go(func() { _ = s.serve(l) }) // until it is closed
	return f.endpoint, nil
}

// listenForFunctions listens on the network of functions, if they have one, at the port of
// tasks if it is free.
func (s *Server) listenForFunctions(ctx context.Context) (net.Listener, error) {
	l, err := s.functions.host.Listen(ctx, uint16(portOf(s.listeners[len(s.listeners)-1])))
	if err != nil {
		l, err = s.functions.host.Listen(ctx, 0)
	}
	return l, err
}

// functionLogs keeps what functions write in the log groups of their cells.
type functionLogs struct{ s *Server }

// Put implements function.Logs.
func (l functionLogs) Put(ctx context.Context, fn function.Function, stream string, lines []function.Line) error {
	api, err := l.s.functionCell(fn.ARN)
	if err != nil {
		return err
	}
	return api.PutLog(ctx, fn, stream, lines)
}
