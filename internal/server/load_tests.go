package server

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"net/http"
	"net/url"

	"github.com/aws/smithy-go"

	"flyball/internal/loadtest"
	"flyball/internal/tuning"
	"flyball/internal/wire"
)

// openLoadTests makes what runs load tests, and searches for policies, which end with the server.
func (s *Server) openLoadTests() {
	speed := s.clock.Speed()
	if s.clock.IsManual() {
		speed = 0
	}
	c := loadtest.Config{Now: s.clock.Now, Speed: speed, Roots: s.loadRoots}
	if u, err := url.Parse(s.hostEndpoint); err == nil {
		c.Server = u.Host
	}
	s.loadTests, s.searches = loadtest.New(c), tuning.New()
}

// loadRoots are the authorities of the system and that of the server's load balancers.
func (s *Server) loadRoots(ctx context.Context) (*x509.CertPool, error) {
	pem, err := s.authority.PEM(ctx)
	if err != nil {
		return nil, err
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	roots.AppendCertsFromPEM(pem)
	return roots, nil
}

// loadTestsIn are the account and the region that a call is about; none if it may not see them.
func (s *Server) loadTestsIn(r *http.Request, call wire.Call) (loadtest.Place, error) {
	place := loadtest.Place{Account: cmp.Or(r.FormValue("account"), call.Scope.Account), Region: cmp.Or(r.FormValue("region"), call.Scope.Region)}
	if !s.mayLook(call, place.Account) || s.cells.find(place.Account, place.Region) == nil {
		return place, &loadtest.BadSpec{Field: "name", Text: "There is nothing in region " + place.Region + " of account " + place.Account + "."}
	}
	return place, nil
}

// serveStartLoadTest starts the test that ?kind=, ?name=, ?path=, ?pattern=, ?unit=, ?level=, ?ramp= and ?duration= say. It
// calls as whoever starts it.
func (c *consoleHost) serveStartLoadTest(w http.ResponseWriter, r *http.Request, call wire.Call) {
	in, err := c.server.loadTestsIn(r, call)
	if err != nil {
		answerLoadTest(w, nil, err)
		return
	}
	spec, err := loadtest.ParseSpec(r.FormValue)
	if err != nil {
		answerLoadTest(w, nil, err)
		return
	}
	call.Scope.Account, call.Scope.Region = in.Account, in.Region
	by := "administrator"
	if call.Principal != nil {
		by = call.Principal.ARN
	}
	view, err := c.server.loadTests.Start(r.Context(), in, by, c.clientOf(wire.Caller{Scope: call.Scope, Principal: call.Principal}, nil), spec)
	answerLoadTest(w, view, err)
}

// serveLoadTests tells of all, or of that of ?id= with its record.
func (s *Server) serveLoadTests(w http.ResponseWriter, r *http.Request, call wire.Call) {
	in, err := s.loadTestsIn(r, call)
	if err != nil {
		answerLoadTest(w, nil, err)
		return
	}
	if id := r.FormValue("id"); id != "" {
		view, err := s.loadTests.Find(in, id)
		answerLoadTest(w, view, err)
		return
	}
	answerLoadTest(w, s.loadTests.List(in), nil)
}

// serveStopLoadTest ends that of ?id=.
func (s *Server) serveStopLoadTest(w http.ResponseWriter, r *http.Request, call wire.Call) {
	in, err := s.loadTestsIn(r, call)
	if err != nil {
		answerLoadTest(w, nil, err)
		return
	}
	view, err := s.loadTests.Stop(in, r.FormValue("id"))
	answerLoadTest(w, view, err)
}

func answerLoadTest(w http.ResponseWriter, told any, err error) {
	_, isMissing := errors.AsType[*loadtest.MissingError](err)
	bad, isBad := errors.AsType[*loadtest.BadSpec](err)
	api, isAPI := errors.AsType[smithy.APIError](err)
	switch {
	case err == nil:
		writeJSON(w, told)
	case isMissing:
		http.Error(w, err.Error(), http.StatusGone)
	case isAPI && api.ErrorFault() != smithy.FaultServer:
		http.Error(w, api.ErrorCode()+": "+api.ErrorMessage(), http.StatusBadRequest)
	case isBad:
		http.Error(w, bad.Text, http.StatusBadRequest)
	default:
		writeError(w, err)
	}
}
