package server

import (
	"context"
	"errors"
	"fmt"
	"net"
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

// admitCaller says why a call is refused that has no access key that this server has issued.
// Whoever started the server calls it with any key, and so does root. Tasks and functions
// have keys of their own, and do not become that user by having another.
func (s *Server) admitCaller(ctx context.Context, signed bool) *signature.Error {
	if s.cfg.Administrator != nil {
		return unissued(signed, "")
	}
	if advice := s.stranger(ctx); advice != "" {
		return unissued(signed, advice)
	}
	return nil
}

// unissued is the refusal of a call whose key, if it has one, this server has not issued.
func unissued(signed bool, advice string) *signature.Error {
	refusal := *signature.ErrInvalidToken
	if !signed {
		refusal = *signature.ErrMissingToken
	}
	if advice != "" {
		refusal.Message = strings.TrimSuffix(refusal.Message, ".") + ". " + advice
	}
	return &refusal
}

// stranger says of a caller whose word alone is not enough who it is, and what it can do;
// "" if it is enough.
func (s *Server) stranger(ctx context.Context) string {
	from, ok := ctx.Value(visitorKey{}).(*visitor)
	if !ok {
		return "It is not known who calls."
	}
	p, err := from.find()
	switch {
	case errors.Is(err, peer.ErrUnsupported) && isLoopback(from.address):
		return "" // the start has said so
	case err != nil && isLoopback(from.address):
		return "The program that calls has closed its connection, so that it is not known whose it is. Leave it open until the answer is there."
	case err != nil && s.mayComeFrom(from.address):
		return "" // as the start has said
	case err != nil:
		return "The call comes from " + from.address + ", where tasks and functions are. " + adviceForTasks
	case s.holdsSocket(p.Inode):
		return "The call comes from a task or a function. " + adviceForTasks
	case p.UID != s.uid && p.UID != 0 && !s.cfg.AllowOtherUsers:
		return fmt.Sprintf("The call comes from a program of %s, and this server was started by %s, whose programs alone need no key of its own. "+
			"Sign with an access key that it has issued (aws iam create-access-key, aws sts assume-role), or start it with --allow-other-users.",
			peer.User(p.UID), peer.User(s.uid))
	case s.mayBeHidden(p):
		return "Tasks or functions share this machine's network, and no other program is seen to have the connection. " +
			"Sign with an access key that this server has issued (aws iam create-access-key, aws sts assume-role)."
	}
	return ""
}

// adviceForTasks says what programs of tasks and functions sign with.
const adviceForTasks = "They call with the credentials that this server gives them: leave AWS_ACCESS_KEY_ID out of the environment in the task definition, " +
	"and let the task role allow what they call."

// isOtherUser says whether a program of this machine calls that is another user's and no
// task's.
func (s *Server) isOtherUser(ctx context.Context) bool {
	from, ok := ctx.Value(visitorKey{}).(*visitor)
	if !ok {
		return false
	}
	p, err := from.find()
	return err == nil && p.UID != 0 && p.UID != s.uid && !s.cfg.AllowOtherUsers && !s.holdsSocket(p.Inode)
}

// A socketHolder knows which sockets tasks hold that share this machine's network.
type socketHolder interface {
	HasSocket(inode uint64) (id string, ok bool)
	MayHide(inode uint64) bool // a socket that HasSocket does not see
}

// holdsSocket says whether a program of a task or of a function holds a socket. Those with a
// network of their own hold none that can be found here.
func (s *Server) holdsSocket(inode uint64) bool {
	if h, ok := s.runtime.(socketHolder); ok { // that of tests holds none
		if _, found := h.HasSocket(inode); found {
			return true
		}
	}
	_, found := s.functions.HasSocket(inode)
	return found
}

// mayBeHidden says whether a socket that no task is seen to hold may be a task's all the same.
// Without root's rights the server sees what its own user's programs hold, and starts none as
// another user.
func (s *Server) mayBeHidden(p peer.Peer) bool {
	if s.uid != 0 && p.UID != s.uid {
		return false
	}
	h, ok := s.runtime.(socketHolder)
	return ok && h.MayHide(p.Inode) || s.functions.MayHide(p.Inode)
}

// warnOfUsers tells of what keeps no other user of this machine out.
func (s *Server) warnOfUsers() {
	switch {
	case s.cfg.Administrator != nil:
	case s.cfg.AllowOtherUsers:
		s.cfg.Log.Warn("programs of all users of this machine may start programs as " + peer.User(s.uid) + ", as --allow-other-users says")
	case !peer.Supported:
		s.cfg.Log.Warn("this system does not tell who calls: programs of all its users may start programs as " + peer.User(s.uid) +
			"; --auth lets in known access keys only")
	}
}
