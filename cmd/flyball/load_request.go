package main

import (
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"flyball/internal/duration"
	"flyball/internal/load"
)

// requestFlags are those that say what a request is.
func (l *loading) requestFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVarP(&l.method, "method", "X", "", "method of the requests; GET, or POST if they have a body")
	f.StringArrayVarP(&l.headers, "header", "H", nil, "header of the requests, such as 'Accept: text/html'; can be given several times")
	f.StringVarP(&l.body, "body", "d", "", `template of the body, or @FILE with one; of a message "message {{.N}}" by default`)
	f.DurationVar(&l.timeout, "timeout", 30*time.Second, "how long to wait for an answer")
	f.DurationVar(&l.wait, "wait-timeout", 0, "how long to go on while nothing has answered at all; requests under way have their --timeout; by default 10s with URLs, and 1m with what may be starting")
	f.DurationVar(&l.drain, "graceful-stop", 30*time.Second, "how long to wait at the end for answers that are still to come")
	f.IntVar(&l.connections, "max-connections", 20_000, "how many requests are under way at most, each on a connection; of an open loop, those beyond fail")
	_ = cmd.RegisterFlagCompletionFunc("method", cobra.FixedCompletions([]string{"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"}, cobra.ShellCompDirectiveNoFileComp))
}

// checkRequest finds what is no part of a request.
func (l *loading) checkRequest() error {
	if l.wait < 0 {
		return refuse("--wait-timeout %s: give a time above 0", duration.String(l.wait))
	}
	if l.timeout <= 0 || l.drain < 0 {
		return refuse("--timeout %s, --graceful-stop %s: give a time above 0", duration.String(l.timeout), duration.String(l.drain))
	}
	if l.connections < 1 || l.connections > 100_000 {
		return refuse("--max-connections %d: give a number from 1 to 100000", l.connections)
	}
	if l.queue != "" {
		return nil
	}
	_, err := l.request()
	return err
}

// patience is how long a load on a route goes on without any answer.
func (l loading) patience(r route) time.Duration {
	switch {
	case l.wait > 0:
		return l.wait
	case r.follower == nil:
		return patienceWithURLs
	}
	return patienceWithTasks
}

// request is what the flags say of one.
func (l *loading) request() (load.Request, error) {
	r := load.Request{Method: strings.ToUpper(l.method), Header: http.Header{}}
	if l.body != "" {
		body, err := l.bodyTemplate()
		if err != nil {
			return r, err
		}
		r.Body = &body
		if r.Method == "" {
			r.Method = http.MethodPost
		}
	}
	for _, header := range l.headers {
		name, value, found := strings.Cut(header, ":")
		if name = strings.TrimSpace(name); !found || !isToken(name) || strings.ContainsAny(value, "\r\n") {
			return r, refuse("--header %q: write a name and a value, such as 'Accept: text/html'", header)
		}
		r.Header.Add(name, strings.TrimSpace(value))
	}
	if _, err := http.NewRequest(r.Method, "http://127.0.0.1/", nil); err != nil {
		return r, refuse("--method %q is none, such as GET or PUT", l.method)
	}
	return r, nil
}

// isToken is whether a text can be the name of a header.
func isToken(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return r <= ' ' || r > '~' || strings.ContainsRune("()<>@,;:\\\"/[]?={}", r)
	})
}

// bodyTemplate is the body as it was typed, or as a file has it.
func (l *loading) bodyTemplate() (load.Template, error) {
	text := l.body
	if name, isFile := strings.CutPrefix(text, "@"); isFile {
		b, err := readSmall(name)
		if err != nil {
			return load.Template{}, refuse("--body: %w", err)
		}
		text = string(b)
	}
	t, err := load.ParseTemplate(text)
	if err != nil {
		return load.Template{}, refuse("--body: %w", err)
	}
	return t, nil
}
