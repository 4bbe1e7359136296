package console_test

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// What a policy would have done is drawn while its numbers are typed, and two whole ways to scale
// are laid over each other.
func TestBrowserAPolicyIsDrawnWhileItIsTyped(t *testing.T) {
	chromium(t)
	s := shop(t)
	b := openTab(t, s.URL())
	b.visit("/console/services/shop/web/policy?edit=cpu")
	b.drawn()
	const tasks = `JSON.parse(document.getElementById("charts").dataset.values).panels.find((p) => p.id === "tasks").series.find((s) => s.label === "with it").values.reduce((a, b) => Math.max(a, b ?? 0), 0)`
	asItIs := get(b, chromedp.Evaluate[int](tasks))
	get(b, chromedp.Evaluate[int](`document.getElementById("f-target").select(); 0`))
	b.do(chromedp.Focus(chromedp.CSS("#f-target")), chromedp.KeyEvent("20"))
	b.until(`location.search.includes("target=20") && ` + tasks + ` > 0`)
	if most := get(b, chromedp.Evaluate[int](tasks)); most <= asItIs {
		t.Errorf("with a target of 20 there are %d tasks at most, with 50 %d", most, asItIs)
	}
	if value := get(b, chromedp.Evaluate[string](`document.activeElement.value`)); value != "20" {
		t.Errorf("what is typed has become %q", value)
	}
	b.do(chromedp.KeyEvent("x"))
	b.until(`document.querySelector("#outcome .problem")?.textContent.includes("is no number")`)
	b.drawn() // what was right is still to be seen
	b.do(chromedp.KeyEvent(kb.Backspace))
	b.until(`!document.querySelector("#outcome .problem") && !!document.querySelector("#outcome table")`)
	b.seen("policy")
	// What is typed while the server is gone is not answered, and the page says so.
	get(b, chromedp.Evaluate[int](`window.asked = window.fetch; window.fetch = () => Promise.reject(new Error("gone")); 0`))
	b.do(chromedp.Focus(chromedp.CSS("#f-target")), chromedp.KeyEvent("5"))
	b.until(`!document.getElementById("link").hidden && document.getElementById("link").textContent.includes("The server does not answer")`)
	get(b, chromedp.Evaluate[int](`window.fetch = window.asked; 0`))
	b.do(chromedp.KeyEvent(kb.Backspace))
	b.until(`document.getElementById("link").hidden`)
	b.visit("/console/services/shop/web/policy?edit=cpu&kind=step&step-metric=cpu&side=above&threshold=60&minutes=1&steps=0:1,20:3&adjustment=ChangeInCapacity&cooldown=60&name=burst")
	b.drawn()

	b.visit("/console/services/shop/web/simulate")
	get(b, chromedp.Evaluate[int](`{ const t = document.getElementById("f-documents"); t.value = t.value.replace('"TargetValue": 50', '"TargetValue": 25'); 0 }`))
	b.do(chromedp.Click(chromedp.CSS("[value=simulate]")), chromedp.WaitVisible(chromedp.CSS("#outcome table")))
	b.drawn()
	if table := b.text("#outcome table"); !strings.Contains(table, "Kept: p95 utilization < 80%") || !strings.Contains(table, "Cost") {
		t.Errorf("the outcome: %q", table)
	}
	b.seen("simulate")
	if complaints := b.complaints(); len(complaints) > 0 {
		t.Errorf("the pages have logged %q", complaints)
	}
}
