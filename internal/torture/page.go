package main

import (
	"context"
	"fmt"
	"html/template"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// browsers are programs that open a page without a window.
var browsers = []string{"chromium", "chromium-browser", "google-chrome", "headless_shell"}

func browser() string {
	for _, name := range browsers {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

func noBrowser() string {
	if browser() == "" {
		return "needs Chromium"
	}
	return ""
}

// A trick is how a page of another origin tries to make a queue, in a script that knows where
// the server is and the queue that it is to make, or to read what the server shows.
type trick struct {
	name   string
	script string
	host   string // by which the page's browser is told to find the server; "" is its address
}

// The scripts have SERVER, QUEUE, a query of SQS that makes it, and SIGNED, the same with the
// parameters of a signature, whose key anybody may have made up.
var tricks = []trick{
	{"fetch without CORS", `fetch(SERVER + "/", {method: "POST", mode: "no-cors", headers: {"Content-Type": "text/plain"}, body: QUERY})`, ""},
	{"fetch with CORS", `fetch(SERVER + "/", {method: "POST", headers: {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "AmazonSQS.CreateQueue", "Authorization": AUTHORIZATION}, body: JSON.stringify({QueueName: QUEUE})})`, ""},
	{"a form", `let f = document.createElement("form"); f.method = "POST"; f.action = SERVER + "/"; f.target = "frame"; new URLSearchParams(QUERY).forEach((v, k) => {let i = document.createElement("input"); i.name = k; i.value = v; f.append(i)}); document.body.append(f); f.submit()`, ""},
	{"a form of plain text", `let f = document.createElement("form"); f.method = "POST"; f.enctype = "text/plain"; f.action = SERVER + "/?" + SIGNED; f.target = "frame"; document.body.append(f); f.submit()`, ""},
	{"an image", `new Image().src = SERVER + "/?" + QUERY`, ""},
	{"an image with a signed query", `new Image().src = SERVER + "/?" + SIGNED`, ""},
	{"a frame with a signed query", `document.getElementById("frame").src = SERVER + "/?" + SIGNED`, ""},
	{"a script with a signed query", `let s = document.createElement("script"); s.src = SERVER + "/?" + SIGNED; s.referrerPolicy = "no-referrer"; document.body.append(s)`, ""},
	{"a navigation with a signed query", `setTimeout(() => location.href = SERVER + "/?" + SIGNED, 300)`, ""},
	{"a beacon", `navigator.sendBeacon(SERVER + "/?" + SIGNED, QUERY)`, ""},
	{"a name that leads to the server", `fetch("/", {method: "POST", headers: {"Content-Type": "application/x-www-form-urlencoded"}, body: QUERY})`, "rebound.example"},
	{"a name that leads to the server, and a signed query", `new Image().src = "/?" + SIGNED`, "rebound.example"},
	{"what the console shows", `fetch(SERVER + "/console/api/status").then(r => r.text()).then(t => fetch("/read?" + t.length))`, ""},
	{"a socket", `new WebSocket(SERVER.replace("http", "ws") + "/console/api/events").onopen = () => fetch("/read?1")`, ""},
}

// pageLasts is how long a page is open after its trick.
const pageLasts = 1500 * time.Millisecond

// pages has a browser open pages of another origin, which try to drive a server.
func pages(ctx context.Context, r *run) error {
	server, err := r.launch(ctx)
	if err != nil {
		return err
	}
	defer server.kill()
	err = r.repeat(ctx, func(ctx context.Context, n int) error {
		t := tricks[(n-1)%len(tricks)]
		tried, read, err := r.open(ctx, t, fmt.Sprint("page-", n))
		if err != nil {
			return fmt.Errorf("%s: %w", t.name, err)
		}
		if !tried {
			log.Printf("%s: the browser has not run the page", t.name)
			r.report(n, fault{brokenOff, t.name, t.name + ": the browser has not run the page"})
		}
		if read {
			r.report(n, fault{intruded, t.name, t.name + " has read what the server shows"})
		}
		queues, err := sqs.NewFromConfig(onceConfig(r.addr)).ListQueues(ctx, &sqs.ListQueuesInput{})
		if err != nil {
			return err
		}
		if slices.ContainsFunc(queues.QueueUrls, func(url string) bool { return strings.HasSuffix(url, fmt.Sprint("/page-", n)) }) {
			r.report(n, fault{intruded, t.name, t.name + " has made a queue"})
		}
		return nil
	})
	if err != nil {
		return err
	}
	return server.terminate()
}

var page = template.Must(template.New("").Parse(`<!DOCTYPE html><title>page</title><body><iframe id="frame" name="frame"></iframe><script>
const SERVER = {{.Server}}, QUEUE = {{.Queue}}, QUERY = {{.Query}}, SIGNED = {{.Signed}}, AUTHORIZATION = {{.Authorization}};
fetch({{.Own}} + "/tried", {mode: "no-cors"}).finally(() => { {{.Script}} });
</script>`))

// open opens a page that tries a trick, and returns whether it ran and whether it has read
// something.
func (r *run) open(ctx context.Context, t trick, queue string) (tried, read bool, err error) {
	seen := make(chan string, 16)
	own := r.serve(t, queue, seen)
	defer own.Close()
	args := []string{"--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking",
		"--user-data-dir=" + filepath.Join(r.dir, "browser")}
	if t.host == "" {
		args = append(args, own.URL+"/page")
	} else {
		front := r.rebinds(own.Listener.Addr().String())
		defer front.Close()
		_, port, _ := net.SplitHostPort(r.addr) // which has one
		args = append(args, "--proxy-server="+front.Listener.Addr().String(), "http://"+net.JoinHostPort(t.host, port)+"/page")
	}
	within, cancel := context.WithTimeout(ctx, r.within(30*time.Second))
	defer cancel()
	cmd := exec.CommandContext(within, browser(), args...)
	cmd.Env = append(os.Environ(), serverMark+"="+r.mark)
	if err := cmd.Start(); err != nil {
		return false, false, err
	}
	defer func() { cancel(); _ = cmd.Wait() }() // it is ended
	for {
		select {
		case what := <-seen:
			switch what {
			case "tried":
				tried = true
				time.AfterFunc(pageLasts, func() { seen <- "over" })
			case "read":
				read = true
			default:
				return tried, read, nil
			}
		case <-within.Done():
			return tried, read, ctx.Err()
		}
	}
}

// serve serves a page, and says what is seen of it.
func (r *run) serve(t trick, queue string, seen chan<- string) *httptest.Server {
	query := url.Values{"Action": {"CreateQueue"}, "Version": {"2012-11-05"}, "QueueName": {queue}}
	now := time.Now().UTC()
	scope, signature := "test/"+now.Format("20060102")+"/us-east-1/sqs/aws4_request", strings.Repeat("a", 64)
	signed := url.Values{
		"X-Amz-Algorithm": {"AWS4-HMAC-SHA256"}, "X-Amz-Credential": {scope}, "X-Amz-Date": {now.Format("20060102T150405Z")},
		"X-Amz-Expires": {"300"}, "X-Amz-SignedHeaders": {"host"}, "X-Amz-Signature": {signature},
	}
	mux := http.NewServeMux()
	own := httptest.NewServer(mux)
	for _, what := range []string{"tried", "read"} {
		mux.HandleFunc("GET /"+what, func(http.ResponseWriter, *http.Request) { seen <- what })
	}
	mux.HandleFunc("GET /page", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		err := page.Execute(w, map[string]any{
			"Server": "http://" + r.addr, "Own": own.URL, "Queue": queue, "Query": query.Encode(), "Signed": query.Encode() + "&" + signed.Encode(),
			"Authorization": fmt.Sprintf("AWS4-HMAC-SHA256 Credential=%s, SignedHeaders=host, Signature=%s", scope, signature), "Script": template.JS(t.script),
		})
		if err != nil {
			log.Print(err)
		}
	})
	return own
}

// rebinds is a proxy for which a name leads to the page's own server for the page, and to the
// server under attack for all else, as a name server that rebinds it does. The Host stays.
func (r *run) rebinds(own string) *httptest.Server {
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		out := req.Clone(req.Context())
		out.RequestURI, out.URL.Scheme, out.URL.Host = "", "http", r.addr
		if req.URL.Path == "/page" || req.Host == own {
			out.URL.Host = own
		}
		resp, err := http.DefaultTransport.RoundTrip(out)
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		defer resp.Body.Close()
		w.Header().Set("Content-Type", resp.Header.Get("Content-Type"))
		w.WriteHeader(resp.StatusCode)
		_, _ = io.Copy(w, resp.Body) // the browser may be gone
	}))
}
