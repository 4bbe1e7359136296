// Package console is the pages of a server for people: what its services do, and why. Pages are
// made here, as HTML that works without a script; the script keeps them up to date by the
// server's event stream, and draws the charts.
//
// All that is shown is read through the operations that everybody calls, with the permissions of
// whoever looks. A look changes nothing.
package console

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/aws/smithy-go"

	"flyball/internal/cause"
	"flyball/internal/client"
	"flyball/internal/tuning"
)

// A Visitor is who asks for a page.
type Visitor struct {
	Name     string   // in words: an ARN, or "administrator"
	Key      string   // the access key that it acts as; empty where none is needed
	SignedIn bool     // by a session, which can be ended
	Account  string   // that is looked at
	Accounts []string // to choose from
	Region   string
	Nowhere  string         // why there is nothing where the request looks; empty: there is
	Client   *client.Client // calls as the visitor may
	// Together has calls made by a function in one change: its error takes back all of them.
	Together func(context.Context, func(context.Context) error) error
}

// A Config is what the pages are made with. All fields must be set.
type Config struct {
	// Visitor says who asks, or why nobody is let in.
	Visitor func(*http.Request) (Visitor, error)
	// SignIn makes a session of a token, and SignOut ends the one of a request.
	SignIn  func(w http.ResponseWriter, r *http.Request, token string) error
	SignOut func(http.ResponseWriter, *http.Request) error
	// Searches are those for policies that pages start.
	Searches *tuning.Searches
	Log      *slog.Logger
}

// A console serves the pages.
type console struct {
	Config
	templates func() (templates, error) // parsed for the first page: most servers show none, and these take 3 MB
	snapshots *snapshots
	followers followers
	made      chan struct{} // has room for the pages that are made at a time
}

// mostMade is how many pages are made at a time: the more there are, the longer calls of others wait for a
// processor.
const mostMade = 8

// New returns the pages, all below /console/.
func New(c Config) http.Handler {
	pages := &console{Config: c, templates: sync.OnceValues(parseTemplates), snapshots: newSnapshots(), made: make(chan struct{}, mostMade)}
	mux := http.NewServeMux()
	mux.Handle("GET /console/assets/", serveAssets())
	mux.HandleFunc("GET /console/sign-in", pages.askForToken)
	mux.HandleFunc("POST /console/sign-in", pages.takeToken)
	mux.HandleFunc("POST /console/sign-out", pages.signOut)
	for pattern, serve := range map[string]func(*visit) error{
		"GET /console/{$}":                                             pages.overview,
		"GET /console/services/{cluster}/{service}":                    pages.service,
		"GET /console/activities":                                      pages.activities,
		"GET /console/functions":                                       pages.functions,
		"GET /console/load-balancers":                                  pages.loadBalancers,
		"GET /console/queues":                                          pages.queues,
		"GET /console/queues/{name}":                                   pages.showItem(pages.queueItem),
		"POST /console/queues/{name}":                                  pages.changeItem(pages.queueItem),
		"GET /console/queues/{name}/charts":                            pages.queueCharts,
		"GET /console/load-balancers/{name}":                           pages.showItem(pages.loadBalancerItem),
		"POST /console/load-balancers/{name}":                          pages.changeItem(pages.loadBalancerItem),
		"GET /console/load-balancers/{name}/charts":                    pages.loadBalancerCharts,
		"GET /console/target-groups/{name}":                            pages.showItem(pages.targetGroupItem),
		"POST /console/target-groups/{name}":                           pages.changeItem(pages.targetGroupItem),
		"GET /console/target-groups/{name}/charts":                     pages.targetGroupCharts,
		"GET /console/functions/{name}":                                pages.showItem(pages.functionItem),
		"POST /console/functions/{name}":                               pages.changeItem(pages.functionItem),
		"GET /console/functions/{name}/charts":                         pages.functionCharts,
		"GET /console/code/{list}":                                     pages.codeOfList,
		"GET /console/services/{cluster}/{service}/code":               pages.showCode(backToService, pages.codeOfService),
		"GET /console/queues/{name}/code":                              pages.showCode(backTo("queues"), writeQueue),
		"GET /console/functions/{name}/code":                           pages.showCode(backTo("functions"), writeFunction),
		"GET /console/load-balancers/{name}/code":                      pages.showCode(backTo("load-balancers"), writeBalancer),
		"GET /console/target-groups/{name}/code":                       pages.showCode(backTo("target-groups"), writeGroup),
		"GET /console/repositories":                                    pages.repositories,
		"POST /console/repositories":                                   pages.createRepository,
		"GET /console/repositories/{name}":                             pages.repository,
		"GET /console/forecasts":                                       pages.forecasts,
		"GET /console/services/{cluster}/{service}/forecast":           pages.forecast,
		"GET /console/schedules":                                       pages.schedules,
		"GET /console/load-tests":                                      pages.loadTests,
		"POST /console/load-tests":                                     pages.startLoadTest,
		"GET /console/load-tests/{id}":                                 pages.loadTest,
		"GET /console/load-tests/{id}/charts":                          pages.loadTestCharts,
		"GET /console/load-tests/{id}/files/{file}":                    pages.loadTestFile,
		"POST /console/load-tests/{id}/stop":                           pages.stopLoadTest,
		"GET /console/services/{cluster}/{service}/update":             pages.update,
		"POST /console/services/{cluster}/{service}/update":            pages.takeUpdate,
		"GET /console/services/{cluster}/{service}/policy":             pages.policy,
		"POST /console/services/{cluster}/{service}/policy":            pages.takePolicy,
		"GET /console/services/{cluster}/{service}/simulate":           pages.simulate,
		"POST /console/services/{cluster}/{service}/simulate":          pages.takeSimulation,
		"GET /console/services/{cluster}/{service}/tune":               pages.tune,
		"POST /console/services/{cluster}/{service}/tune":              pages.startTuning,
		"GET /console/services/{cluster}/{service}/tune/{id}":          pages.search,
		"POST /console/services/{cluster}/{service}/tune/{id}":         pages.takeSearch,
		"GET /console/services/{cluster}/{service}/tune/{id}/progress": pages.progress,
		"GET /console/services/{cluster}/{service}/edit":               pages.edit,
		"POST /console/services/{cluster}/{service}/edit":              pages.change,
		"GET /console/alarms":                                          pages.alarms,
		"GET /console/alarms/{name}":                                   pages.alarm,
		"POST /console/alarms/{name}":                                  pages.setAlarm,
		"POST /console/metrics":                                        pages.putDatapoint,
		"GET /console/alarms/{name}/charts":                            pages.alarmCharts,
		"GET /console/metrics":                                         pages.metrics,
		"GET /console/metrics/charts":                                  pages.metricCharts,
		"GET /console/services/{cluster}/{service}/tasks/{task}":       pages.taskLogs,
		"GET /console/services/{cluster}/{service}/charts":             pages.serviceCharts,
		"GET /console/services/{cluster}/{service}/what-if":            pages.whatIf,
		"GET /console/services/{cluster}/{service}/what-if/charts":     pages.whatIfCharts,
	} {
		mux.HandleFunc(pattern, pages.visited(serve))
	}
	mux.HandleFunc("/console/", pages.visited(func(v *visit) error {
		return &missing{"There is no page " + v.r.URL.Path + "."}
	}))
	return secured(mux)
}

// maxForm bounds what a page sends, in bytes.
const maxForm = 64 << 10

// secured has browsers keep the pages to themselves: nothing is loaded from elsewhere, nothing
// runs that is written in a page, and no other page shows one of ours in a frame.
func secured(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "+
			"base-uri 'none'; form-action 'self'; frame-ancestors 'none'")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
		h.Set("Cache-Control", "no-store")
		most := int64(maxForm)
		if r.URL.Path == "/console/load-tests" {
			most = maxTrace
		}
		if r.ContentLength > most {
			http.Error(w, fmt.Sprintf("A form of the console takes %d KiB at most; the aws CLI takes more.", most>>10), http.StatusRequestEntityTooLarge)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, most)
		next.ServeHTTP(w, r)
	})
}

// A visit is one request of somebody who has been let in.
type visit struct {
	Visitor
	w     http.ResponseWriter
	r     *http.Request
	clock client.Clock
}

// visited lets visitors in, or to the page where they sign in.
func (c *console) visited(serve func(*visit) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		visitor, err := c.Visitor(r)
		if err != nil {
			c.refuse(w, r, err)
			return
		}
		v := &visit{Visitor: visitor, w: w, r: r}
		if v.clock, err = v.Client.Clock(r.Context()); err == nil && v.Nowhere != "" {
			v.r = r.Clone(r.Context())
			v.r.URL.RawQuery, v.r.Form = "", nil // its links lead to where there is something
			err = &missing{v.Nowhere}
		} else if err == nil {
			err = serve(v)
		}
		if err != nil && r.Context().Err() == nil {
			c.fail(v, err)
		}
	}
}

// A missing is the error of a page that there is not.
type missing struct{ text string }

func (m *missing) Error() string { return m.text }

// fail shows an error as a page: the words that AWS has for it, and what to do.
func (c *console) fail(v *visit, err error) {
	status, title := http.StatusInternalServerError, "That did not work"
	var text string
	gone, isGone := errors.AsType[*missing](err)
	api, isAPI := errors.AsType[smithy.APIError](err)
	rejected, isRejected := errors.AsType[*client.Rejected](err)
	switch {
	case isRejected && rejected.Status < http.StatusInternalServerError:
		status, title, text = rejected.Status, "Refused", rejected.Text
	case isGone:
		status, title, text = http.StatusNotFound, "Not found", gone.text
	case isAPI && strings.HasPrefix(api.ErrorCode(), "AccessDenied"):
		status, title, text = http.StatusForbidden, "Refused", problemOf(api)
	case isAPI && strings.HasSuffix(api.ErrorCode(), "NotFoundException"):
		status, title, text = http.StatusNotFound, "Not found", problemOf(api)
	case isAPI && api.ErrorFault() != smithy.FaultServer:
		status, title, text = http.StatusBadRequest, "Refused", problemOf(api)
	default:
		text = sentence(cause.Of(err)) + " Do it again in a moment; if it stays so, the server's log has more of it."
		c.Log.Error("a page of the console could not be made", "page", v.r.URL.Path, "error", err)
	}
	c.show(v, status, "failure.html", page{Title: title, Body: text})
}

// A page is what every template is given.
type page struct {
	Title   string
	Section string // of the navigation
	Live    bool   // it is kept up to date
	Version string // of the script and the style sheet
	Now     time.Time
	Speed   float64
	Refresh int      // milliseconds after which there are new values; 0: those of metrics
	Path    string   // of the page itself, escaped, for addresses below it
	Regions []string // to choose from, where there are several
	Visitor Visitor
	Links   links
	Body    any
}

// show sends a page.
func (c *console) show(v *visit, status int, template string, p page) {
	p.Version, p.Visitor, p.Path = assetVersion, v.Visitor, v.r.URL.EscapedPath()
	p.Now, p.Speed = v.clock.Now.UTC(), v.clock.Speed
	p.Refresh = cmp.Or(p.Refresh, refreshAfter(v.clock))
	p.Links, p.Regions = linksOf(v), regionsOf(v)
	var text bytes.Buffer
	parsed, err := c.templates()
	if err == nil {
		err = c.inTurn(func() error { return parsed.execute(&text, template, p) })
	}
	if err != nil {
		c.Log.Error("a page of the console could not be made", "page", v.r.URL.Path, "error", err)
		http.Error(v.w, "The page could not be made; the server's log says why.", http.StatusInternalServerError)
		return
	}
	v.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	v.w.WriteHeader(status)
	_, _ = v.w.Write(text.Bytes()) // the browser may be gone
}

// inTurn makes a page once fewer than the most are being made. Each takes milliseconds.
func (c *console) inTurn(page func() error) error {
	c.made <- struct{}{}
	defer func() { <-c.made }()
	return page()
}

// regionsOf are the regions of the account, where there are several. Who may not list them sees the
// one that is looked at.
func regionsOf(v *visit) []string {
	if v.Client == nil {
		return nil
	}
	regions, err := v.Client.Regions(v.r.Context())
	if err != nil || len(regions) < 2 {
		return nil
	}
	return regions
}

// Bounds of how often a page looks for new values, in real time.
const (
	mostOften  = 2 * time.Second
	leastOften = 20 * time.Second
)

// refreshAfter is how long a minute of the server's clock takes, within bounds.
func refreshAfter(c client.Clock) int {
	d := leastOften
	if c.Speed > 0 {
		d = min(max(time.Duration(float64(time.Minute)/c.Speed), mostOften), leastOften)
	}
	return int(d.Milliseconds())
}

// links are where the pages are, in the account and the region that is looked at.
type links struct{ query string }

func linksOf(v *visit) links {
	q := url.Values{}
	for _, name := range []string{"account", "region"} {
		if value := v.r.FormValue(name); value != "" {
			q.Set(name, value)
		}
	}
	return links{q.Encode()}
}

// To is a page below /console/, of which parts are single names.
func (l links) To(parts ...string) string { return pathTo(parts) + l.with("") }

// Toward is such a page with something more in its query.
func (l links) Toward(name, value string, parts ...string) string {
	return pathTo(parts) + l.With(name, value)
}

func pathTo(parts []string) string {
	if len(parts) == 0 {
		return "/console/"
	}
	path := "/console"
	for _, part := range parts {
		path += "/" + url.PathEscape(part)
	}
	return path
}

// Events is where the event stream of the region is.
func (l links) Events() string { return "/console/api/events" + l.with("detail=false") }

// Hidden are the account and the region as fields of a form whose values become an address.
func (l links) Hidden() (fields []choice) {
	q, _ := url.ParseQuery(l.query) // which is one that was made here
	for _, name := range []string{"account", "region"} {
		if value := q.Get(name); value != "" {
			fields = append(fields, choice{name, value})
		}
	}
	return fields
}

// With is the page itself with something more in its query.
func (l links) With(name, value string) string { return l.with(url.Values{name: {value}}.Encode()) }

func (l links) with(more string) string {
	switch {
	case l.query == "" && more == "":
		return ""
	case l.query == "" || more == "":
		return "?" + cmp.Or(l.query, more)
	}
	return "?" + l.query + "&" + more
}
