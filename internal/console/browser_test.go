package console_test

import (
	"context"
	_ "embed"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"flyball/flyballtest"
)

// screenshots is a folder for pictures of the pages, which the documentation shows.
var screenshots = flag.String("screenshots", "", "write pictures of the pages into this folder")

// thorough is whether pages are tried in all colours and widths, as make test-console does.
var thorough = flag.Bool("thorough", false, "try the pages in all colours and widths, and what takes long")

// schemes and widths are the colours and widths that pages are tried in.
func schemes() []string {
	if *thorough || *screenshots != "" {
		return []string{"light", "dark"}
	}
	return []string{"dark"}
}

// long leaves a test to make test-console.
func long(t *testing.T) {
	if !*thorough && *screenshots == "" {
		t.Skip("this is tried by make test-console")
	}
}

func widths() []int64 {
	if *thorough || *screenshots != "" {
		return []int64{1280, 768, 390}
	}
	return []int64{390}
}

//go:embed testdata/axe/axe.min.js
var axe string

// chromium is the browser that tests drive.
func chromium(t *testing.T) string {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Skip("the pages are not tried in a browser: there is no Chromium on this machine")
	return ""
}

// A tab is a page in a browser.
type tab struct {
	*testing.T
	ctx context.Context
	url string

	mu     sync.Mutex
	errors []string // that the page has logged
}

// The tests of the package share one browser, in which each tab has cookies of its own: to start one
// takes a second of the processor.
var browser struct {
	start sync.Once
	ctx   context.Context // of the browser
	err   error
	stop  func()
}

func TestMain(m *testing.M) {
	flag.Parse()
	status := m.Run()
	if browser.stop != nil {
		browser.stop()
	}
	os.Exit(status)
}

// startBrowser starts the browser that tests share, which lives until all of them have ended.
func startBrowser(path string) {
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.WindowSize(1280, 900))
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, end := chromedp.NewContext(allocator)
	browser.ctx, browser.stop = ctx, func() { end(); stop() }
	browser.err = chromedp.Do(ctx)
}

// openTab opens a tab as somebody has it who was never here.
func openTab(t *testing.T, url string) *tab {
	t.Helper()
	path := chromium(t)
	browser.start.Do(func() { startBrowser(path) })
	if browser.err != nil {
		t.Fatal(browser.err)
	}
	ctx, end := chromedp.NewContext(browser.ctx, chromedp.WithNewBrowserContext())
	t.Cleanup(end)
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	t.Cleanup(cancel)
	b := &tab{T: t, ctx: ctx, url: url}
	b.do(call(log.Enable, cdp.Empty{}))
	if err := chromedp.Listen(ctx, b.note); err != nil {
		t.Fatal(err)
	}
	return b
}

// note keeps what a page complains of, such as what its content security policy has forbidden.
func (b *tab) note(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *log.EventEntryAdded:
		// A container that comes or goes elsewhere on the machine is not the page's matter.
		if e.Entry.Level == log.EntryLevelError && !strings.Contains(e.Entry.Text, "ERR_NETWORK_CHANGED") {
			b.errors = append(b.errors, e.Entry.Text+" "+e.Entry.URL)
		}
	case *runtime.EventExceptionThrown:
		b.errors = append(b.errors, e.ExceptionDetails.Text)
	}
}

// complaints are what the page has logged so far.
func (b *tab) complaints() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.errors
}

func (b *tab) do(actions ...chromedp.Action[chromedp.Void]) {
	b.Helper()
	for _, action := range actions {
		get(b, action)
	}
}

// get is what an action finds.
func get[T any](b *tab, action chromedp.Action[T]) T {
	b.Helper()
	found, err := chromedp.Run(b.ctx, action)
	if err != nil {
		b.Fatalf("%v; the page has logged %q", err, b.complaints())
	}
	return found
}

// call is a command of the browser's protocol.
func call[P any](c cdp.Command[P, cdp.Empty], params P) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, c, params)
		return err
	})
}

// visit opens a page.
func (b *tab) visit(path string) {
	b.Helper()
	b.do(chromedp.Navigate(b.url+path), chromedp.WaitVisible(chromedp.CSS("main")))
}

// until waits for an expression to be true.
func (b *tab) until(expression string) {
	b.Helper()
	get(b, chromedp.Poll[bool](expression, chromedp.WithPollingTimeout(20*time.Second)))
}

// text is what is seen of an element.
func (b *tab) text(selector string) string {
	b.Helper()
	return get(b, chromedp.Text(chromedp.CSS(selector)))
}

// drawn waits for the charts.
func (b *tab) drawn() {
	b.Helper()
	b.until(`document.querySelectorAll("[data-charts] canvas").length > 0`)
}

// accessible holds the page against axe-core's rules.
func (b *tab) accessible(name string) {
	b.Helper()
	get(b, chromedp.Evaluate[int](axe+"; 0"))
	result := get(b, chromedp.Evaluate[string](`axe.run(document, {resultTypes: ["violations"]}).then((r) => JSON.stringify(r.violations.map((v) =>
		v.id + ": " + v.help + " " + v.nodes.slice(0, 3).map((n) => n.html.slice(0, 160) + " " + n.failureSummary).join("; "))))`, chromedp.EvalAwaitPromise))
	var violations []string
	if err := json.Unmarshal([]byte(result), &violations); err != nil {
		b.Fatal(err)
	}
	for _, v := range violations {
		b.Errorf("%s: %s", name, v)
	}
}

// look sets colours and width as some reader has them.
func (b *tab) look(scheme string, width int64) {
	b.Helper()
	b.do(call(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}}),
		chromedp.EmulateViewport(width, 900))
}

// shoot writes a picture of the page, if pictures are asked for.
func (b *tab) shoot(name string) {
	b.Helper()
	if *screenshots == "" {
		return
	}
	picture := get(b, chromedp.CaptureScreenshot())
	if err := os.WriteFile(filepath.Join(*screenshots, name+".png"), picture, 0o644); err != nil {
		b.Fatal(err)
	}
}

// shop is a server with a service that has scaled out and in, one that is at its maximum, and one
// that nothing scales.
func shop(t *testing.T) *flyballtest.Server {
	s := flyballtest.Start(t)
	track(t, s, "shop/web", 10)
	track(t, s, "shop/search", 2)
	s.Deploy("shop/mail", 1)
	for _, cpu := range []float64{60, 150, 240, 120} {
		s.SetLoad("shop/web", flyballtest.Load{TotalCPU: cpu})
		s.SetLoad("shop/search", flyballtest.Load{TotalCPU: 150})
		s.Advance(25 * time.Minute)
	}
	if _, err := ecr.NewFromConfig(s.Config()).CreateRepository(t.Context(), &ecr.CreateRepositoryInput{RepositoryName: aws.String("team/web")}); err != nil {
		t.Fatal(err)
	}
	return s
}

// track deploys a service with a policy.
func track(t *testing.T, s *flyballtest.Server, service string, most int32) {
	t.Helper()
	s.Deploy(service, 1)
	api := applicationautoscaling.NewFromConfig(s.Config())
	id, dimension := aws.String("service/"+service), types.ScalableDimensionECSServiceDesiredCount
	if _, err := api.RegisterScalableTarget(t.Context(), &applicationautoscaling.RegisterScalableTargetInput{
		ServiceNamespace: types.ServiceNamespaceEcs, ScalableDimension: dimension, ResourceId: id, MinCapacity: aws.Int32(1), MaxCapacity: &most,
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := api.PutScalingPolicy(t.Context(), &applicationautoscaling.PutScalingPolicyInput{
		ServiceNamespace: types.ServiceNamespaceEcs, ScalableDimension: dimension, ResourceId: id, PolicyName: aws.String("cpu"), PolicyType: types.PolicyTypeTargetTrackingScaling,
		TargetTrackingScalingPolicyConfiguration: &types.TargetTrackingScalingPolicyConfiguration{
			TargetValue: aws.Float64(50), ScaleInCooldown: aws.Int32(60), ScaleOutCooldown: aws.Int32(60),
			PredefinedMetricSpecification: &types.PredefinedMetricSpecification{PredefinedMetricType: types.MetricTypeECSServiceAverageCPUUtilization},
		},
	}); err != nil {
		t.Fatal(err)
	}
}

// pagesOf are the pages of the server, by the names of their pictures.
var pagesOf = map[string]string{
	"overview": "/console/",
	"service":  "/console/services/shop/web?range=3h",
	"moment":   "/console/services/shop/web?range=3h&at=09:30",
	"what-if":  "/console/services/shop/web/what-if?target=70&range=3h",
	"sign-in":  "/console/sign-in",
	"edit":     "/console/services/shop/web/edit",
	"update":   "/console/services/shop/web/update",
	"policy":   "/console/services/shop/web/policy?kind=tracking&metric=cpu&target=70&out=60&in=60&range=3h",
	"simulate": "/console/services/shop/web/simulate",
	"tune":     "/console/services/shop/web/tune",
	"alarms":   "/console/alarms",
	"queues":   "/console/queues",
	"schedule": "/console/schedules",
	"activity": "/console/activities",
	"loads":    "/console/load-tests?name=shop/web",
	"metrics":  "/console/metrics?namespace=AWS%2FECS&name=CPUUtilization&stat=Maximum&period=60&range=3h&d.ClusterName=shop&d.ServiceName=web",
	"expected": "/console/forecasts",
	"images":   "/console/repositories",
	"pushing":  "/console/repositories/team%2Fweb",
	"missing":  "/console/services/shop/none",
}

func TestBrowserPagesAreReadableForAll(t *testing.T) {
	chromium(t)
	s := shop(t)
	items(t, s.Config())
	s.Advance(3 * time.Minute)
	b := openTab(t, s.URL())
	all := maps.Clone(pagesOf)
	maps.Copy(all, itemPages)
	for name, path := range all {
		b.visit(path)
		if strings.Contains(path, "range") {
			b.drawn()
		}
		b.seen(name)
		if get(b, chromedp.Evaluate[bool](`"attacked" in window`)) {
			t.Errorf("%s has run what a name says", name)
		}
	}
	for _, complaint := range b.complaints() {
		if !strings.Contains(complaint, "404") { // of the page that there is not
			t.Error(complaint)
		}
	}
}

func TestBrowserAFirstTimeUserFindsTheAnswers(t *testing.T) {
	chromium(t)
	s := shop(t)
	b := openTab(t, s.URL())

	// Which service needs me?
	b.visit("/console/")
	if first := b.text("tbody tr"); !strings.Contains(first, "shop/search") {
		t.Errorf("the first row is %q, want the service at its maximum", first)
	}
	if why := b.text("tbody .needs"); !strings.Contains(why, "maximum of 2") {
		t.Errorf("it needs somebody because %q", why)
	}

	// Why is it not scaling in?
	b.do(chromedp.Click(chromedp.CSS(`a[href="/console/services/shop/web"]`)), chromedp.WaitVisible(chromedp.CSS("#why")))
	if why := b.text("#why"); !strings.Contains(why, "Scale in: ") {
		t.Errorf("why it stands where it stands: %q", why)
	}

	// Why did it scale at 09:30? By the field, and by the marks with the keyboard alone.
	b.visit("/console/services/shop/web?range=3h")
	b.drawn()
	b.do(chromedp.SendKeys(chromedp.CSS("#at"), "09:30"+kb.Enter), chromedp.WaitVisible(chromedp.CSS("#moment")))
	if moment := b.text("#moment"); !strings.Contains(moment, "Scale-out") || !strings.Contains(moment, "The alarm saw") || !strings.Contains(moment, "Arithmetic") {
		t.Errorf("the moment tells %q", moment)
	}
	b.visit("/console/services/shop/web?range=3h")
	b.drawn()
	b.do(chromedp.Focus(chromedp.CSS(".marks button")))
	b.until(`!document.getElementById("pointed").hidden`)
	if pointed := b.text("#pointed"); !strings.Contains(pointed, "Scale-out from 1 to 2") {
		t.Errorf("the first mark tells %q", pointed)
	}
	b.do(chromedp.KeyEvent(kb.Tab))
	b.until(`document.activeElement.closest(".marks") && document.activeElement.getAttribute("aria-pressed") === "true"`)

	// What would a target of 70 have done?
	b.do(chromedp.SendKeys(chromedp.CSS("#target"), "70"+kb.Enter), chromedp.WaitVisible(chromedp.CSS(`#target[value="70"]`)))
	if table := b.text("table"); !strings.Contains(table, "Simulated with 70") {
		t.Errorf("what if: %q", table)
	}
	if complaints := b.complaints(); len(complaints) > 0 {
		t.Errorf("the pages have logged %q", complaints)
	}
}

func TestBrowserAPageKeepsUpWithTheServer(t *testing.T) {
	chromium(t)
	s := shop(t)
	b := openTab(t, s.URL())
	b.visit("/console/services/shop/web?range=3h")
	b.drawn()
	get(b, chromedp.Evaluate[bool](`document.querySelector("#decisions details").open = true`))
	before := get(b, chromedp.Evaluate[int](`document.querySelectorAll(".marks button").length`))
	s.SetLoad("shop/web", flyballtest.Load{TotalCPU: 400})
	s.Advance(10 * time.Minute)
	b.until(fmt.Sprintf(`document.querySelectorAll(".marks button").length > %d`, before))
	desired, _ := s.Tasks("shop/web")
	b.until(fmt.Sprintf(`document.querySelector("#figures dd").textContent === "%d"`, desired))
	if open := get(b, chromedp.Evaluate[int](`document.querySelectorAll("#decisions details[open]").length`)); open != 1 {
		t.Errorf("%d activities are open, want the one that was opened", open)
	}

	// Nobody looks at it for ten minutes, and then somebody does.
	see := func(hidden bool) {
		get(b, chromedp.Evaluate[bool](fmt.Sprintf(`Object.defineProperty(document, "hidden", { value: %t, configurable: true });
			document.dispatchEvent(new Event("visibilitychange"))`, hidden)))
	}
	see(true)
	s.SetLoad("shop/web", flyballtest.Load{TotalCPU: 700})
	s.Advance(10 * time.Minute)
	get(b, chromedp.Evaluate[bool](`(now => { Date.now = () => now() + 600_000; return true })(Date.now)`))
	see(false)
	more, _ := s.Tasks("shop/web")
	if more == desired {
		t.Fatalf("the desired count is %d, as before", more)
	}
	b.until(fmt.Sprintf(`document.querySelector("#figures dd").textContent === "%d"`, more))
}
