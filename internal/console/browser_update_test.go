package console_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// seen holds a page against what readers of all kinds need, and takes its pictures.
func (b *tab) seen(name string) {
	b.Helper()
	for _, scheme := range schemes() {
		for _, width := range widths() {
			b.look(scheme, width)
			if get(b, chromedp.Evaluate[bool](`document.documentElement.scrollWidth > innerWidth`)) {
				b.Errorf("%s is wider than %d", name, width)
			}
			if name == "overview" && get(b, chromedp.Evaluate[bool](`[...document.querySelectorAll(".scroll")].some((e) => e.scrollWidth > e.clientWidth)`)) {
				b.Errorf("%s is to be scrolled sideways at %d", name, width)
			}
			b.shoot(fmt.Sprintf("%s-%s-%d", name, scheme, width))
		}
		b.look(scheme, 1280)
		b.accessible(name + " in " + scheme)
	}
}

// The wizard is gone through by keyboard alone: what is not chosen is passed over.
func TestBrowserAServiceIsUpdatedByKeyboard(t *testing.T) {
	chromium(t)
	s := shop(t)
	b := openTab(t, s.URL())
	b.visit("/console/services/shop/web/update")
	b.do(chromedp.Focus(chromedp.CSS(`[name=task][value=keep]`)), chromedp.KeyEvent(kb.ArrowRight))
	b.until(`document.activeElement.value === "image" && document.getElementById("f-image").offsetWidth > 0 && document.getElementById("f-revision").offsetWidth === 0`)
	b.do(chromedp.KeyEvent(kb.Tab), chromedp.KeyEvent(kb.Tab))
	b.until(`document.activeElement.id === "f-image"`)
	get(b, chromedp.Evaluate[int](`document.activeElement.select(); 0`))
	b.do(chromedp.KeyEvent("web:2"), chromedp.Focus(chromedp.CSS("#f-max")))
	get(b, chromedp.Evaluate[int](`document.activeElement.select(); 0`))
	b.do(chromedp.KeyEvent("0"), chromedp.Focus(chromedp.CSS(`[name=kind][value=none]`)), chromedp.KeyEvent(kb.ArrowRight), chromedp.KeyEvent(kb.ArrowRight))
	b.until(`document.activeElement.value === "step" && document.getElementById("f-steps").offsetWidth > 0 && document.getElementById("f-target").offsetWidth === 0`)
	b.do(chromedp.Focus(chromedp.CSS(`[value=review]`)), chromedp.KeyEvent(kb.Enter), chromedp.WaitVisible(chromedp.CSS(".problem")))
	if problem := b.text(".problem"); !strings.Contains(problem, "ValidationException") {
		t.Errorf("a maximum of 0: %q", problem)
	}
	b.seen("update")
	get(b, chromedp.Evaluate[int](`document.getElementById("f-max").select(); 0`))
	b.do(chromedp.Focus(chromedp.CSS("#f-max")), chromedp.KeyEvent("12"+kb.Enter), chromedp.WaitVisible(chromedp.CSS("[value=update]")))
	b.seen("review")
	b.do(chromedp.Click(chromedp.CSS("[value=update]")), chromedp.WaitVisible(chromedp.CSS(`main p > a[href="/console/services/shop/web"]`))) // the review has one in its trail, too
	if done := b.text("h1"); done != "Updated" {
		t.Errorf("the page is called %q", done)
	}
	if complaints := b.complaints(); len(complaints) != 1 || !strings.Contains(complaints[0], "400") {
		t.Errorf("the pages have logged %q", complaints)
	}
}
