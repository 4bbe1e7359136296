package server

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"time"

	"flyball/internal/peer"
	"flyball/internal/replica"
)

// patienceOfCalls is how long a call waits for an owner. It is longer than another one takes to take over.
const patienceOfCalls = 15 * time.Second

// An incumbent is the server that this replica runs, with the calls that it is answering.
type incumbent struct {
	handler http.Handler
	held    func() bool
	calls
}

// enter begins a call, if this replica is to answer any more.
func (in *incumbent) enter() bool { return in != nil && in.held() && in.calls.enter() }

// enter notes in which membership the replica is; nil: in none.
func (r *Replica) enter(s *membership) { r.change(func() { r.session = s }) }

// run has calls be answered by a server of this replica; nil: by none.
func (r *Replica) run(in *incumbent) { r.change(func() { r.running = in }) }

// change changes who answers calls, and has those that wait look again.
func (r *Replica) change(f func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f()
	close(r.changed)
	r.changed = make(chan struct{})
}

// current is the membership that there is, or nil.
func (r *Replica) current() *membership {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.session
}

// now is who answers calls, and what is closed when that is someone else.
func (r *Replica) now() (*membership, *incumbent, <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.session, r.running, r.changed
}

// serveCaller answers a call: by the server of this replica, or by that of the owner.
func (r *Replica) serveCaller(w http.ResponseWriter, req *http.Request) {
	if req.URL.Path == "/healthz" {
		io.WriteString(w, "ok\n")
		return
	}
	until := time.Now().Add(patienceOfCalls)
	for kept := false; ; {
		s, in, changed := r.now()
		if in.enter() {
			defer in.leave()
			replica.Again(req) // it may have been forwarded to one that did not take it
			in.handler.ServeHTTP(w, req)
			return
		}
		var moved <-chan struct{}
		if s != nil {
			owner, ownerChanged := s.member.Owner()
			if moved = ownerChanged; owner.ID != "" && owner.ID != s.member.ID {
				if !kept {
					if err := replica.Keep(req); err != nil {
						return // the caller is gone
					}
					kept = true
				}
				err := r.forward(w, req, s, owner.Address, ownerChanged)
				if err == nil {
					r.forwarded.Add(1)
					return
				}
				if !errors.Is(err, replica.ErrNotTaken) {
					unavailable(w, "The replica that answers such calls has not answered this one; it is not known whether it was carried out.")
					return
				}
			}
		}
		again := time.NewTimer(tryAgain)
		select {
		case <-req.Context().Done():
		case <-changed:
		case <-moved:
		case <-again.C:
		}
		again.Stop()
		if req.Context().Err() != nil {
			return
		}
		if time.Now().After(until) {
			unavailable(w, "No replica answers calls at the moment: the database is not reached, or another replica is taking over. Try again.")
			return
		}
	}
}

// tryAgain is how long a call waits before it is tried again when nothing is known to have changed.
const tryAgain = 100 * time.Millisecond

// unavailable is the answer of a replica that has none. Clients of AWS try again.
func unavailable(w http.ResponseWriter, message string) {
	w.Header().Set("X-Amzn-Errortype", "ServiceUnavailable")
	w.Header().Set("Retry-After", "1")
	http.Error(w, message, http.StatusServiceUnavailable)
}

// forward makes a call to the owner. When that is another one, the call is given up: the one before may be on the
// other side of a cut network.
func (r *Replica) forward(w http.ResponseWriter, req *http.Request, s *membership, to string, changed <-chan struct{}) error {
	ctx, cancel := context.WithCancel(req.Context())
	defer cancel()
	done := make(chan struct{})
	defer close(done)
	go func() {
		select {
		case <-changed:
			cancel()
		case <-done:
		}
	}()
	return s.forwarder.Forward(w, req.WithContext(ctx), to)
}

// errForwarded says why nobody knows whose program has made a call that was forwarded.
var errForwarded = errors.New("the call came by way of another replica")

// serveReplica answers a call that another replica forwards, or says that it is not the owner.
func (r *Replica) serveReplica(w http.ResponseWriter, req *http.Request) {
	_, in, _ := r.now()
	if !in.enter() {
		replica.Refuse(w)
		return
	}
	defer in.leave()
	call, req := replica.Received(req)
	host, _, _ := net.SplitHostPort(call.Client)
	ctx := context.WithValue(req.Context(), sourceKey{}, source{host, call.Secure})
	ctx = context.WithValue(ctx, visitorKey{}, &visitor{host, func() (peer.Peer, error) { return peer.Peer{}, errForwarded }})
	in.handler.ServeHTTP(w, req.WithContext(ctx))
}
