package server

import (
	"net/http"
	"strings"

	"flyball/internal/signature"
	"flyball/internal/wire"
)

// balanced forwards requests that address a load balancer by its name to it, and
// everything else to the next handler. What is signed is for AWS's API whatever the
// name says. Pages of all origins may call a load balancer, as they may on AWS: it is
// not the server that they drive.
func (s *Server) balanced(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !signature.Claimed(r) {
			name := wire.Hostname(r.Host)
			if h := s.balancerNamed(name); h != nil {
				h.ServeHTTP(w, r)
				return
			}
			if s.cfg.LBDomain != "" && strings.HasSuffix(name, ".elb."+s.cfg.LBDomain) {
				// A server that has just begun, such as that of a replica that has taken over, may not know its load balancers yet.
				http.Error(w, "No load balancer of this name is there, or it is about to be.", http.StatusServiceUnavailable)
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

// balancerNamed serves the load balancer with a DNS name, in whatever cell it is. It
// is nil if there is none.
func (s *Server) balancerNamed(name string) http.Handler {
	if name == "localhost" || name == s.host {
		return nil // most requests are the server's own
	}
	for _, v := range s.cells.all() {
		if h := v.elb.Handler(name); h != nil {
			return h
		}
	}
	return nil
}

func (s *Server) serveAuthority(w http.ResponseWriter, r *http.Request, _ wire.Call) {
	pem, err := s.authority.PEM(r.Context())
	if err != nil {
		writeError(w, err)
		return
	}
	w.Header().Set("Content-Type", "application/x-pem-file")
	w.Write(pem)
}
