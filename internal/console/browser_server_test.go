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
	const frames = [];
	for (let i = 0; i < 10; i++) {
		const begin = performance.now();
		await redraw();
		await new Promise(requestAnimationFrame);
		frames.push(performance.now() - begin);
	}
	window.fetch = original;
	return frames.sort((a, b) => a - b)[5];
})()`

// The test tells how long four charts with three lines of 10,000 points each take to be
// read and drawn anew, in the middle of ten times.
func TestBrowserChartsOfTenThousandPoints(t *testing.T) {
	chromium(t)
	b := openTab(t, flyballtest.Start(t).URL())
	b.visit("/console/")
	took := get(b, chromedp.Evaluate[float64](tenThousand, chromedp.EvalAwaitPromise))
	t.Logf("four charts with three lines of 10,000 points are read and drawn anew in %.0f ms", took)
	if took > 1000 {
		t.Error("that is too slow on any machine")
	}
}
