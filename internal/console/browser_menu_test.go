package console_test

import (
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"flyball/flyballtest"
)

// On a phone the pages are behind a button, which the keyboard opens and closes.
func TestBrowserThePagesAreBehindAButtonOnAPhone(t *testing.T) {
	s := flyballtest.Start(t)
	b := openTab(t, s.URL())
	b.do(chromedp.EmulateViewport(390, 900))
	b.visit("/console/")
	b.until(`document.documentElement.scrollWidth <= 390 && !document.querySelector("#pages").checkVisibility()`)
	b.do(chromedp.Focus(chromedp.CSS(".menu")), chromedp.KeyEvent(kb.Enter))
	b.until(`document.querySelector("#pages").checkVisibility()`)
	b.accessible("the pages on a phone")
	b.do(chromedp.KeyEvent(kb.Escape))
	b.until(`!document.querySelector("#pages").checkVisibility() && document.activeElement.matches(".menu")`)
	b.do(chromedp.KeyEvent(kb.Enter), chromedp.KeyEvent(kb.Tab), chromedp.KeyEvent(kb.Tab), chromedp.KeyEvent(kb.Enter),
		chromedp.WaitReady(chromedp.CSS(`#pages a[href*="/alarms"][aria-current]`)))
	b.do(chromedp.EmulateViewport(1280, 900))
	b.until(`document.querySelector("#pages").checkVisibility() && !document.querySelector(".menu").checkVisibility()`)
}
