package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"

	"flyball/internal/peer"
	"flyball/internal/signature"
)

// A visitor is the program at the other end of a connection. It is looked for once, when a
// call first depends on it: with an access key that this server has issued none does.
type visitor struct {
	address string // IP address
	find    func() (peer.Peer, error)
}

type visitorKey struct{}

// withVisitor notes in the context of a connection's calls who is at its other end.
func withVisitor(ctx context.Context, c net.Conn) context.Context {
	host, _, _ := net.SplitHostPort(c.RemoteAddr().String())
	return context.WithValue(ctx, visitorKey{}, &visitor{host, sync.OnceValues(func() (peer.Peer, error) { return peer.Of(c) })})
}

// admit says why a call is refused that has no access key that this server has issued.
// Whoever started the server calls it with any key, and so does root; for others, a key is
// all that they can have of that user.
func (s *Server) admit(ctx context.Context, signed bool) *signature.Error {
	if s.cfg.Administrator != nil {
		return unissued(signed, "")
	}
	if stranger := s.stranger(ctx); stranger != "" {
		return unissued(signed, stranger)
	}
	return nil
}

// stranger says what a caller is whose word alone is not enough; "" if it is enough.
func (s *Server) stranger(ctx context.Context) string {
	from, ok := ctx.Value(visitorKey{}).(*visitor)
	if !ok {
		return "a connection that is not known"
	}
	if !isLoopback(from.address) {
		return "" // tasks are told apart by nothing yet
	}
	p, err := from.find()
	switch {
	case errors.Is(err, peer.ErrUnsupported) && isLoopback(from.address):
		return "" // the start has said so
	case err != nil:
		return "a program at " + from.address + " that is not one of this machine, or has closed its connection"
	case p.UID == os.Geteuid() || p.UID == 0 || s.cfg.AllowOtherUsers:
		return ""
	}
	return "a program of " + peer.User(p.UID)
}

// unissued is the refusal of a call whose key, if it has one, this server has not issued.
func unissued(signed bool, stranger string) *signature.Error {
	refusal := *signature.ErrInvalidToken
	if !signed {
		refusal = *signature.ErrMissingToken
	}
	if stranger != "" {
		refusal.Message = fmt.Sprintf("%s. The call comes from %s, and this server was started by %s, whose programs alone need no key of its own. "+
			"Sign with an access key that it has issued (aws iam create-access-key, aws sts assume-role), or start it with --allow-other-users.",
			strings.TrimSuffix(refusal.Message, "."), stranger, peer.User(os.Geteuid()))
	}
	return &refusal
}

// warnOfUsers tells of what keeps no other user of this machine out.
func (s *Server) warnOfUsers() {
	switch {
	case s.cfg.Administrator != nil:
	case s.cfg.AllowOtherUsers:
		s.cfg.Log.Warn("programs of all users of this machine may start programs as " + peer.User(os.Geteuid()) + ", as --allow-other-users says")
	case !peer.Supported:
		s.cfg.Log.Warn("this system does not tell who calls: programs of all its users may start programs as " + peer.User(os.Geteuid()) +
			"; --auth lets in known access keys only")
	}
}
