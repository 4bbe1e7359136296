package console_test

import (
	"bufio"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"flyball/flyballtest"
)

// measured is a server with a service that has had load for some hours.
func measured(t *testing.T) *flyballtest.Server {
	s := flyballtest.Start(t)
	track(t, s, "shop/web", 10)
	for i := range 8 {
		s.SetLoad("shop/web", flyballtest.Load{TotalCPU: []float64{60, 150, 240, 120}[i%4]})
		s.Advance(30 * time.Minute)
	}
	return s
}

// post sends a form as a browser does, and does not follow where it leads.
func post(t *testing.T, address string, form url.Values) (status int, location string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	return res.StatusCode, res.Header.Get("Location")
}

// A search goes on in the server, tells how far it is, and is put in place; one that cannot be
// made is refused beside its field.
func TestASearchIsFollowedAndPutInPlace(t *testing.T) {
	s := measured(t)
	base := s.URL() + "/console/services/shop/web/tune"
	for name, form := range map[string]url.Values{
		"no agreement":       {"agree": {"soon"}, "range": {"1d"}, "candidates": {"10"}},
		"too little":         {"agree": {"p95 utilization < 80%"}, "range": {"1h"}, "candidates": {"10"}},
		"no candidates":      {"agree": {"p95 utilization < 80%"}, "range": {"1d"}, "candidates": {"0"}},
		"too many":           {"agree": {"p95 utilization < 80%"}, "range": {"1d"}, "candidates": {"1001"}},
		"no task":            {"agree": {"p95 utilization < 80%"}, "range": {"1d"}, "candidates": {"10"}, "max": {"0"}},
		"latency of minutes": {"agree": {"p95 < 300ms"}, "range": {"1d"}, "candidates": {"10"}},
	} {
		if status, _ := post(t, base, form); status != http.StatusBadRequest {
			t.Errorf("%s: %d", name, status)
		}
	}
	status, at := post(t, base, url.Values{"agree": {"p95 utilization < 80%"}, "range": {"1d"}, "candidates": {"40"}})
	if status != http.StatusSeeOther {
		t.Fatalf("a search is answered with %d", status)
	}
	res, err := http.Get(s.URL() + at + "/progress")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var last struct {
		Tried, Of   int
		Best, State string
	}
	for lines := bufio.NewScanner(res.Body); lines.Scan(); {
		if data, is := strings.CutPrefix(lines.Text(), "data: "); is {
			if err := json.Unmarshal([]byte(data), &last); err != nil {
				t.Fatal(err)
			}
		}
	}
	if last.State != "ended" || last.Tried != 40 || last.Of != 40 || !strings.Contains(last.Best, "kept") {
		t.Errorf("the last that is told of it is %+v", last)
	}
	for do, want := range map[string]int{"review": http.StatusOK, "stop": http.StatusSeeOther, "dance": http.StatusNotFound} {
		if status, _ := post(t, s.URL()+at, url.Values{"do": {do}}); status != want {
			t.Errorf("%s: %d, want %d", do, status, want)
		}
	}
	if status, _ := post(t, s.URL()+at, url.Values{"do": {"update"}}); status != http.StatusOK {
		t.Errorf("what was found is not put in place: %d", status)
	}
	if status, _ := post(t, s.URL()+at, url.Values{"do": {"update"}}); status != http.StatusBadRequest {
		t.Errorf("what was put in place is put again: %d", status)
	}
}

func TestBrowserASearchIsSeenAndStopped(t *testing.T) {
	long(t)
	chromium(t)
	s := measured(t)
	b := openTab(t, s.URL())
	b.visit("/console/services/shop/web/tune")
	b.seen("tune")
	get(b, chromedp.Evaluate[int](`document.getElementById("f-candidates").value = "1000"; 0`))
	b.do(chromedp.Click(chromedp.CSS("form.wizard button")), chromedp.WaitVisible(chromedp.CSS("[value=stop]")))
	b.until(`Number(document.getElementById("tried")?.textContent) > 0`)
	b.accessible("a search")
	b.shoot("searching-light-1280")
	b.do(chromedp.Click(chromedp.CSS("[value=stop]")), chromedp.WaitVisible(chromedp.CSS("[value=review]")))
	if state := b.text("h1 .state"); state != "stopped" {
		t.Errorf("it is %s", state)
	}
	b.seen("tuned")
	b.do(chromedp.Click(chromedp.CSS("[value=review]")), chromedp.WaitVisible(chromedp.CSS("[value=update]")))
	if complaints := b.complaints(); len(complaints) > 0 {
		t.Errorf("the pages have logged %q", complaints)
	}
}
