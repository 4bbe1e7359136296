package server

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/aws/smithy-go"
	"github.com/google/uuid"

	"flyball/internal/cell"
	"flyball/internal/client"
	"flyball/internal/console"
	"flyball/internal/endpoint"
	"flyball/internal/event"
	"flyball/internal/eventstream"
	"flyball/internal/optional"
	"flyball/internal/serviceevent"
	"flyball/internal/session"
	"flyball/internal/state"
	"flyball/internal/wire"
)

// consolePath is where the pages are.
const consolePath = "/console/"

// sessionCookie names the session of a browser.
const sessionCookie = "flyball-session"

// A consoleHost lets browsers in to the console: with a session, or by the program that calls, as
// other calls without a known access key are.
type consoleHost struct {
	server   *Server
	sessions *session.Sessions
	inside   *wire.Inside
	own      http.Handler // our own paths
	handler  http.Handler // the pages
}

// openConsole makes the pages, which read and write through the operations that everybody calls,
// and through our own paths.
func (s *Server) openConsole(own http.Handler, inside *wire.Inside) (*consoleHost, error) {
	sessions, err := session.Open(s.state, s.clock.Wall)
	if err != nil {
		return nil, err
	}
	c := &consoleHost{server: s, sessions: sessions, inside: inside, own: own}
	s.sessions = sessions
	c.handler = console.New(console.Config{Visitor: c.visitor, SignIn: c.signIn, SignOut: c.signOut, Searches: s.searches, Log: s.cfg.Log})
	return c, nil
}

// signedIn has requests below the console's path that come with a session made as its access key.
func (c *consoleHost) signedIn(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, consolePath) {
			if caller, ok := c.callerOf(r); ok && vouched(r) {
				r = wire.WithCaller(r, caller)
			}
		}
		next.ServeHTTP(w, r)
	})
}

// vouched reports whether a browser says that a page of ours makes the request, if it can
// change something. That it is no foreign page's, Guard sees to.
func vouched(r *http.Request) bool {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return true
	}
	return r.Header.Get("Origin") != "" || r.Header.Get("Sec-Fetch-Site") == "same-origin"
}

// callerOf is whom the session of a request stands for. It ends with its access key.
func (c *consoleHost) callerOf(r *http.Request) (wire.Caller, bool) {
	cookie, err := r.Cookie(sessionCookie)
	if err != nil {
		return wire.Caller{}, false
	}
	found, ok := c.sessions.Find(r.Context(), cookie.Value)
	if !ok {
		return wire.Caller{}, false
	}
	return c.standsFor(r.Context(), found.AccessKey)
}

// standsFor is the caller that an access key stands for now. One that is not known stands for an
// administrator where none has to be known.
func (c *consoleHost) standsFor(ctx context.Context, accessKey string) (wire.Caller, bool) {
	s := c.server
	caller := wire.Caller{Scope: wire.Scope{Account: s.accountOf(accessKey), Region: s.cfg.Region, AccessKey: accessKey}}
	credential, known := s.credential(ctx, accessKey)
	if !known {
		return caller, s.cfg.Administrator == nil
	}
	expired := !credential.Expires.IsZero() && !s.clock.Wall().Before(credential.Expires)
	caller.Principal, caller.Scope.Account = &credential.Principal, credential.Principal.Account
	return caller, credential.Active && !expired
}

// visitor is who asks for a page, or why nobody is let in.
func (c *consoleHost) visitor(r *http.Request) (console.Visitor, error) {
	s := c.server
	if r.Method != http.MethodGet && r.Method != http.MethodHead && !vouched(r) {
		return console.Visitor{}, errors.New("the request does not say that it comes from a page of the console, which browsers do")
	}
	caller, ok := c.callerOf(r)
	signedIn := ok
	if !ok {
		if refusal := s.admitCaller(r.Context(), false); refusal != nil {
			return console.Visitor{}, refusal
		}
		caller, _ = c.standsFor(r.Context(), "")
	}
	judged := wire.Call{Scope: caller.Scope, Principal: caller.Principal}
	caller.Scope.Region = cmp.Or(r.FormValue("region"), caller.Scope.Region)
	nowhere := ""
	if account := r.FormValue("account"); account != "" && s.mayLook(judged, account) {
		caller.Scope.Account = account
	} else if account != "" && account != caller.Scope.Account {
		nowhere = fmt.Sprintf("There is nothing in account %s that you may look at.", account)
	}
	if s.cells.find(caller.Scope.Account, caller.Scope.Region) == nil { // looking opens none
		if asked := r.FormValue("region") != "" || r.FormValue("account") != ""; asked && nowhere == "" {
			nowhere = fmt.Sprintf("There is nothing in region %s of account %s: nobody has called the server there yet.", caller.Scope.Region, caller.Scope.Account)
		}
		caller.Scope.Region = s.cfg.Region
	}
	v := console.Visitor{
		Accounts: s.accountsFor(judged), Name: "administrator", Key: caller.Scope.AccessKey, SignedIn: signedIn,
		Account: caller.Scope.Account, Region: caller.Scope.Region, Client: c.clientOf(caller, r),
		Nowhere:  nowhere,
		Together: s.together(caller.Scope.Account, caller.Scope.Region),
	}
	if caller.Principal != nil {
		v.Name = caller.Principal.ARN
	}
	return v, nil
}

// together has calls in a region of an account made in one change: the error of one takes back all.
func (s *Server) together(account, region string) func(context.Context, func(context.Context) error) error {
	return func(ctx context.Context, do func(context.Context) error) error {
		// To open what the calls are of is a change by itself, which waits for others to end.
		if _, err := s.cells.of(account, region); err != nil {
			return err
		}
		if _, err := s.globals.of(account, cell.Partition(region)); err != nil {
			return err
		}
		return s.state.Change(ctx, func(ctx context.Context, _ *state.Tx) error { return do(ctx) })
	}
}

// accountsFor are the accounts that somebody may look at, and in which there may be something.
func (s *Server) accountsFor(call wire.Call) (accounts []string) {
	for _, v := range s.cells.all() {
		if s.mayLook(call, v.cell.Account) {
			accounts = append(accounts, v.cell.Account)
		}
	}
	slices.Sort(accounts)
	return slices.Compact(accounts)
}

// clientOf is a client that calls as somebody who has been let in by a request: what is answered leads
// back to where that came in. Without one it leads to where tasks call.
func (c *consoleHost) clientOf(caller wire.Caller, r *http.Request) *client.Client {
	return client.New(client.Config{
		Endpoint: "http://localhost", Region: caller.Scope.Region, HTTP: &http.Client{Transport: insideTransport{c.own, caller}},
		Direct: func(ctx context.Context, service, operation string, in any) (any, error) {
			if r != nil {
				ctx = endpoint.NewContext(ctx, r, "")
			}
			return c.inside.Call(ctx, caller, service, operation, in)
		},
	})
}

// signIn makes a session of a token, and gives the browser its cookie.
func (c *consoleHost) signIn(w http.ResponseWriter, r *http.Request, token string) error {
	cookie, made, err := c.sessions.Redeem(r.Context(), token)
	if err != nil {
		return err
	}
	http.SetCookie(w, c.cookie(cookie, int(made.Expires.Sub(c.server.clock.Wall()).Seconds())))
	return nil
}

// signOut ends the session of a browser.
func (c *consoleHost) signOut(w http.ResponseWriter, r *http.Request) error {
	cookie, err := r.Cookie(sessionCookie)
	if err != nil {
		return nil
	}
	http.SetCookie(w, c.cookie("", -1))
	return c.sessions.End(r.Context(), cookie.Value)
}

func (c *consoleHost) cookie(value string, seconds int) *http.Cookie {
	return &http.Cookie{
		Name: sessionCookie, Value: value, Path: strings.TrimSuffix(consolePath, "/"), MaxAge: seconds,
		HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: c.server.cfg.Certificate != nil,
	}
}

// serveToken makes a token for the access key of a call.
func (c *consoleHost) serveToken(w http.ResponseWriter, r *http.Request, call wire.Call) {
	key := call.Scope.AccessKey
	if call.Principal == nil {
		key = "" // whoever is let in without a known key is the same administrator with any
	}
	link, err := c.link(key)
	if err != nil {
		http.Error(w, err.Error(), http.StatusTooManyRequests)
		return
	}
	writeJSON(w, link)
}

// link is where a browser signs in with an access key, once.
func (c *consoleHost) link(accessKey string) (client.ConsoleLink, error) {
	token, expires, err := c.sessions.Token(accessKey)
	return client.ConsoleLink{Path: signInPath(token), Expires: expires}, err
}

// signInPath has the token where browsers do not send it, so that no log has it.
func signInPath(token string) string { return consolePath + "sign-in#" + token }

// ConsoleURL is where programs of this machine find the console. With an administrator it signs
// in, once and within minutes.
func (s *Server) ConsoleURL() string {
	if s.cfg.Administrator == nil {
		return s.PublicURL() + consolePath
	}
	token, _, err := s.sessions.Token(s.cfg.Administrator.AccessKey)
	if err != nil {
		return s.PublicURL() + consolePath
	}
	return s.PublicURL() + signInPath(token)
}

// serveEvents streams what happens in a region of an account.
func (s *Server) serveEvents(streams *eventstream.Server) func(http.ResponseWriter, *http.Request, wire.Call) {
	return func(w http.ResponseWriter, r *http.Request, call wire.Call) {
		account := cmp.Or(r.FormValue("account"), call.Scope.Account)
		region := cmp.Or(r.FormValue("region"), call.Scope.Region)
		if !s.mayLook(call, account) {
			writeError(w, &smithy.GenericAPIError{
				Code: "ValidationError", Fault: smithy.FaultClient, Message: fmt.Sprintf("There is nothing in region %s of account %s.", region, account),
			})
			return
		}
		brief, form := r.FormValue("detail") == "false", r.FormValue("form")
		if form != "" && form != "eventbridge" {
			writeError(w, &smithy.GenericAPIError{
				Code: "ValidationError", Fault: smithy.FaultClient, Message: fmt.Sprintf("There is no form %q of events; there is eventbridge, and without one the stream's own.", form),
			})
			return
		}
		streams.Serve(w, r, call.Scope.AccessKey, func(e event.Event) (any, bool) {
			if e.Account != account || e.Region != region {
				return nil, false
			}
			if form == "eventbridge" {
				return envelopeOf(e)
			}
			if brief {
				e.Detail = nil
			}
			return e, true
		})
	}
}

// An envelope is an event as AWS sends it to EventBridge.
type envelope struct {
	Version    string          `json:"version"`
	ID         string          `json:"id"`
	DetailType string          `json:"detail-type"`
	Source     string          `json:"source"`
	Account    string          `json:"account"`
	Time       time.Time       `json:"time"`
	Region     string          `json:"region"`
	Resources  []string        `json:"resources"`
	Detail     json.RawMessage `json:"detail"`
}

// envelopeOf is an event as AWS sends it, or false if AWS sends none of it.
func envelopeOf(e event.Event) (any, bool) {
	told, is := serviceevent.Of(e)
	if !is {
		return nil, false
	}
	if told.ID == "" { // of the same event the same for all readers
		told.ID = uuid.NewSHA1(uuid.Nil, fmt.Appendf(nil, "%s %s %d %d", e.Account, e.Region, e.Number, e.At.UnixNano())).String()
	}
	if told.Time.IsZero() {
		told.Time = e.At
	}
	return envelope{"0", told.ID, told.DetailType, told.Source, e.Account, told.Time.UTC().Truncate(time.Second), e.Region, optional.List(told.Resources), told.Detail}, true
}

// An insideTransport hands requests to our own paths, for somebody who has been let in.
type insideTransport struct {
	own    http.Handler
	caller wire.Caller
}

// RoundTrip implements http.RoundTripper.
func (t insideTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	in := wire.WithCaller(r, t.caller)
	in.RequestURI = r.URL.RequestURI()
	in.Host = r.URL.Host
	in.Header = http.Header{}
	if in.Body == nil {
		in.Body = http.NoBody
	}
	in.Form, in.PostForm = nil, url.Values(nil)
	answer := newAnswer(r)
	t.own.ServeHTTP(answer, in)
	return answer.response(), nil
}
