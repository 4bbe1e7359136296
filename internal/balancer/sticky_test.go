package balancer

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// visit makes a request with cookies, and returns the body and the cookies that are
// set.
func (b *bench) visit(path string, cookies ...*http.Cookie) (body string, set []*http.Cookie) {
	b.t.Helper()
	q, err := http.NewRequest("GET", b.url+path, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, c := range cookies {
		q.AddCookie(c)
	}
	r, err := http.DefaultClient.Do(q)
	if err != nil {
		b.t.Fatal(err)
	}
	defer r.Body.Close()
	all, _ := io.ReadAll(r.Body)
	return string(all), r.Cookies()
}

func names(cookies []*http.Cookie) string {
	var n []string
	for _, c := range cookies {
		n = append(n, c.Name)
	}
	return strings.Join(n, " ")
}

func TestDurationCookies(t *testing.T) {
	b := newBench(t, named("a"), named("b"), named("c"))
	b.group.Attributes["stickiness.enabled"] = "true"
	b.group.Attributes["stickiness.type"] = "lb_cookie"
	b.apply()
	first, cookies := b.visit("/")
	if got := names(cookies); got != "AWSALB AWSALBCORS" {
		t.Fatalf("cookies %q", got)
	}
	plain, twin := cookies[0], cookies[1]
	if plain.Secure || !twin.Secure || twin.SameSite != http.SameSiteNoneMode || plain.MaxAge != 0 ||
		time.Until(plain.Expires) < 6*24*time.Hour || time.Until(plain.Expires) > 8*24*time.Hour {
		t.Errorf("cookies %v and %v", plain, twin)
	}
	for range 10 {
		body, renewed := b.visit("/", plain)
		if body != first || names(renewed) != "AWSALB AWSALBCORS" {
			t.Fatalf("got to %q with cookies %v, want %q", body, renewed, first)
		}
	}
	b.group.Targets = b.group.Targets[1:]
	b.apply()
	b.group.Targets = b.group.Targets[:1]
	b.apply()
	if body, _ := b.visit("/", plain); body == "" {
		t.Error("a cookie of a target that is gone ends in nothing")
	}
}

func TestApplicationCookies(t *testing.T) {
	sets := func(name string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/login" {
				http.SetCookie(w, &http.Cookie{Name: "session", Value: "1"})
			}
			io.WriteString(w, name)
		})
	}
	b := newBench(t, sets("a"), sets("b"))
	b.group.Attributes["stickiness.enabled"] = "true"
	b.group.Attributes["stickiness.type"] = "app_cookie"
	b.group.Attributes["stickiness.app_cookie.cookie_name"] = "session"
	b.apply()
	if _, cookies := b.visit("/"); len(cookies) > 0 {
		t.Errorf("cookies %v before the application sets its own", cookies)
	}
	first, cookies := b.visit("/login")
	if got := names(cookies); got != "session AWSALBAPP-0" {
		t.Fatalf("cookies %q", got)
	}
	for range 6 {
		if body, _ := b.visit("/", cookies...); body != first {
			t.Errorf("got to %q, want %q", body, first)
		}
	}
}
