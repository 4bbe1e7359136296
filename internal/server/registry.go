package server

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/aws/smithy-go"

	"flyball/internal/principal"
	"flyball/internal/registry"
	"flyball/internal/service/ecr"
	"flyball/internal/state"
	"flyball/internal/store"
	"flyball/internal/wire"
)

// kindRegistry is the key that signs the passwords of the registry; one document.
var kindRegistry = state.Kind{Name: "server.registry", Version: 1}

const registryKey = "passwords"

// An imageRegistry is what the registries of all cells share.
type imageRegistry struct {
	content   *registry.Store
	passwords registry.Passwords
}

// openRegistry opens the content of images, and the key of passwords.
func (s *Server) openRegistry() (err error) {
	if s.registry.content, err = registry.OpenStore(s.dir.registry(), s.cfg.Log); err != nil {
		return err
	}
	s.registry.content.Disk = s.disk
	key, err := state.Get[[]byte](s.state, kindRegistry, registryKey)
	switch {
	case errors.Is(err, store.ErrNotFound):
		made := make([]byte, 32)
		_, _ = rand.Read(made) // it never fails
		key = &made
		s.state.Later(func(tx *state.Tx) { tx.Put(kindRegistry, registryKey, made) })
	case err != nil:
		return fmt.Errorf("read the key of the registry's passwords: %w", err)
	}
	s.registry.passwords = *key
	return nil
}

// addressing says how repositories are addressed: at the server's own address, or if it
// listens everywhere, where its port is published for this machine, or at the first of its names.
func (s *Server) addressing() registry.Addressing {
	l := s.listeners[0].Addr().(*net.TCPAddr)
	host, port := l.IP.String(), l.Port
	if l.IP.IsUnspecified() {
		host = "127.0.0.1"
		if s.published.IsValid() {
			port = int(s.published.Port())
		}
		if len(s.cfg.Hosts) > 0 && !s.published.Addr().IsLoopback() {
			host = s.cfg.Hosts[0]
		}
	}
	return registry.Addressing{
		Host:    net.JoinHostPort(host, strconv.Itoa(port)),
		Account: s.cfg.Account, Region: s.cfg.Region,
	}
}

// ecrIn finds ECR by the scope of a call, whose access key passwords stand for.
func (s *Server) ecrIn(_ context.Context, scope wire.Scope) (*ecr.API, error) {
	v, err := s.cells.of(scope.Account, scope.Region)
	if err != nil {
		return nil, err
	}
	return v.ecr.For(scope.AccessKey), nil
}

// serveRegistry serves the registry's protocol. It can be addressed by the names that
// AWS's own registries have, too.
func (s *Server) serveRegistry(hosts []string) http.Handler {
	h := registry.NewHandler(registry.Options{
		Addressing: s.addressing,
		Secure:     s.cfg.Certificate != nil,
		Login:      s.logIn,
		Settle:     func(ctx context.Context) error { return s.state.Settle(ctx, "ecr") },
		Full:       s.full,
		Log:        s.cfg.Log,
	})
	guarded := wire.Guard(hosts, h)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := wire.Hostname(r.Host)
		if _, _, ok := registry.ParseHost(name); ok {
			wire.Guard([]string{name}, h).ServeHTTP(w, r)
			return
		}
		guarded.ServeHTTP(w, r)
	})
}

// logIn is who has a password of the registry.
func (s *Server) logIn(_ context.Context, password string) (registry.Caller, error) {
	grant, err := s.registry.passwords.Read(password, s.clock.Wall())
	if err != nil {
		return nil, err
	}
	return registryCaller{s, grant}, nil
}

// A registryCaller is the holder of a password.
type registryCaller struct {
	*Server
	grant registry.Grant
}

// Open judges an operation as the call that it would be with the access key that the
// password stands for.
func (c registryCaller) Open(ctx context.Context, p registry.Place, operation string, input any) (registry.ECR, error) {
	if err := c.allow(ctx, p, operation, input); err != nil {
		return nil, err
	}
	v := c.cells.find(p.Account, p.Region)
	if v == nil {
		return nil, noRepository(p)
	}
	return v.ecr, nil
}

// pulling are the operations that a pull consists of.
var pulling = []string{"BatchCheckLayerAvailability", "BatchGetImage", "GetDownloadUrlForLayer"}

// allow is the refusal of an operation in a place, if there is one.
func (c registryCaller) allow(ctx context.Context, p registry.Place, operation string, input any) error {
	if c.grant.Pull != nil {
		if *c.grant.Pull == p && slices.Contains(pulling, operation) {
			return nil
		}
		return &smithy.GenericAPIError{Code: "AccessDeniedException", Message: "The password is for pulling from " + c.grant.Pull.Repository + " alone.", Fault: smithy.FaultClient}
	}
	if p.Account != c.grant.Account {
		return noRepository(p)
	}
	call := wire.Call{
		Scope:   wire.Scope{AccessKey: c.grant.AccessKey, Account: p.Account, Region: p.Region, Service: "ecr"},
		Service: "ecr", Operation: operation, Input: input,
	}
	if known, ok := c.credential(ctx, c.grant.AccessKey); ok {
		if !known.Active || !known.Expires.IsZero() && !c.clock.Wall().Before(known.Expires) {
			return unknownKey()
		}
		call.Principal = &known.Principal
		ctx = principal.NewContext(ctx, known.Principal)
	} else if c.cfg.Administrator != nil {
		return unknownKey()
	}
	return c.authorize(ctx, call)
}

// noRepository is the refusal of a place that nobody has, or that is none of the
// caller's business.
func noRepository(p registry.Place) error {
	message := fmt.Sprintf("The repository with name '%s' does not exist in the registry with id '%s'", p.Repository, p.Account)
	return &types.RepositoryNotFoundException{Message: &message}
}

// sweepTime is how often content is looked for that nobody names.
const sweepTime = 5 * time.Minute

// sweepRegistry removes what nobody names, until ctx ends.
func (s *Server) sweepRegistry(ctx context.Context) error {
	for tick := time.NewTicker(sweepTime); ; {
		if err := s.registry.content.Sweep(s.names, time.Hour); err != nil {
			s.cfg.Log.Error("content that no image names could not be removed", "error", err)
		}
		select {
		case <-ctx.Done():
			tick.Stop()
			return nil
		case <-tick.C:
		}
	}
}

// names tells whether any cell's registry names content.
func (s *Server) names(d registry.Digest) bool {
	for _, v := range s.cells.all() {
		if v.ecr.Names(d) {
			return true
		}
	}
	return false
}
