package console_test

import (
	"context"
	"log/slog"
	"net"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/performance"
	"github.com/chromedp/chromedp"

	"flyball/flyballtest"
	"flyball/internal/client"
	"flyball/internal/server"
)

// serve starts a server on a folder, which is stopped by hand.
func serve(t *testing.T, addr, folder string, change func(*server.Config)) (s *server.Server, stop func()) {
	t.Helper()
	cfg := server.Config{
		Addr: addr, Data: folder, Runtime: "simulated", Speed: 1, Account: "123456789012", Region: "us-east-1", Log: slog.New(slog.DiscardHandler),
	}
	if change != nil {
		change(&cfg)
	}
	s, err := server.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	return s, func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

var key = aws.Credentials{AccessKeyID: "FLYBALLADMIN00000001", SecretAccessKey: "secret"}

func admitting(c *server.Config) {
	c.Administrator = &server.Administrator{AccessKey: key.AccessKeyID, Secret: key.SecretAccessKey}
}

func TestBrowserSignsInByALinkAndStaysOverARestart(t *testing.T) {
	chromium(t)
	folder := t.TempDir()
	s, stop := serve(t, "127.0.0.1:0", folder, admitting)
	base := s.URL()
	_, port, err := net.SplitHostPort(strings.TrimPrefix(base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	b := openTab(t, base)
	b.visit("/console/")
	if text := b.text("main"); !strings.Contains(text, "flyball console") {
		t.Errorf("without a session a page says %q", text)
	}
	c := client.New(client.Config{Endpoint: base, Region: "us-east-1", Credentials: key})
	link, err := c.SignIn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	b.visit(link.Path)
	b.do(chromedp.WaitVisible(chromedp.CSS("#services")))
	stop()
	b.until(`!document.getElementById("link").hidden`)

	_, stop = serve(t, "127.0.0.1:"+port, folder, admitting)
	defer stop()
	if _, err := c.ECS.CreateCluster(t.Context(), &ecs.CreateClusterInput{ClusterName: aws.String("late")}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.ECS.RegisterTaskDefinition(t.Context(), &ecs.RegisterTaskDefinitionInput{
		Family: aws.String("web"), ContainerDefinitions: []types.ContainerDefinition{{Name: aws.String("web"), Image: aws.String("web"), Memory: aws.Int32(16)}},
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.ECS.CreateService(t.Context(), &ecs.CreateServiceInput{
		Cluster: aws.String("late"), ServiceName: aws.String("web"), TaskDefinition: aws.String("web"), DesiredCount: aws.Int32(1),
	}); err != nil {
		t.Fatal(err)
	}
	b.until(`document.querySelector("#services").textContent.includes("late/web") && document.getElementById("link").hidden`)
}

// tenThousand has the script draw a week of minutes.
const tenThousand = `(async () => {
	const n = 10000, to = 1767600000, times = Array.from({length: n}, (_, i) => to - (n - i) * 60);
	const wave = (k) => times.map((t, i) => 50 + 40 * Math.sin(i / (20 * k)));
	const week = {from: times[0], to, marks: [], panels: ["load", "policy", "tasks", "latency"].map((id) => ({
		id, title: id, times, series: ["a", "b", "c"].map((label, k) => ({label, role: "metric", values: wave(k + 1)}))}))};
	const original = window.fetch;
	window.fetch = async (url, ...rest) => String(url).includes("/charts") ? new Response(JSON.stringify(week)) : original(url, ...rest);
	const {drawCharts} = await import(document.querySelector('script[type="module"]').src.replace("console.js", "charts.js"));
	const root = document.createElement("div");
	root.dataset.charts = "/charts";
	root.dataset.follow = "";
	root.className = "charts";
	document.querySelector("main").append(root);
	const redraw = drawCharts(root);
	while (root.querySelectorAll("canvas").length < 4) await new Promise(requestAnimationFrame);
	window.redraw = redraw;
	return 0;
})()`

// drawTenTimes draws what tenThousand has made anew.
const drawTenTimes = `(async () => { for (let i = 0; i < 10; i++) await window.redraw(); return 0; })()`

// A frame in which one of four charts with three lines of 10,000 points is drawn may take 50 ms of
// the processor. What other programs of the machine take meanwhile does not count.
func TestBrowserChartsOfTenThousandPoints(t *testing.T) {
	long(t)
	chromium(t)
	b := openTab(t, flyballtest.Start(t).URL())
	b.visit("/console/")
	b.do(call(performance.Enable, performance.EnableParams{TimeDomain: performance.EnableTimeDomainThreadTicks}))
	get(b, chromedp.Evaluate[int](tenThousand, chromedp.EvalAwaitPromise))
	before := b.busy()
	get(b, chromedp.Evaluate[int](drawTenTimes, chromedp.EvalAwaitPromise))
	frame := (b.busy() - before) / 40
	t.Logf("a frame with one chart of three lines of 10,000 points takes %.1f ms of the processor", 1000*frame)
	if frame > 0.05 {
		t.Error("that is more than 50 ms")
	}
}

// busy is how long the page's thread has worked, in seconds of the processor.
func (b *tab) busy() float64 {
	b.Helper()
	found := get(b, chromedp.Action[performance.GetMetricsResult](func(ctx context.Context, t *chromedp.Target) (performance.GetMetricsResult, error) {
		return cdp.Call(ctx, t, performance.GetMetrics, cdp.Empty{})
	}))
	for _, m := range found.Metrics {
		if m.Name == "TaskDuration" {
			return m.Value
		}
	}
	b.Fatal("the browser does not tell how long it has worked")
	return 0
}
