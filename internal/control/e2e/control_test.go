package e2e_test

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/ecs"

	"flyball/flyballtest"
	"flyball/internal/capacity"
	"flyball/internal/control"
	"flyball/internal/policydoc"
	"flyball/internal/source"
	"flyball/scaling"
)

const cpuPolicy = `
service: shop/web
min: 2
max: 20
policies:
  cpu: 50
`

// A world is a Flyball that stands for AWS, and a controller that scales its services.
type world struct {
	*flyballtest.Server
	t         *testing.T
	cfg       control.Config
	host      *control.Host
	documents *control.Documents
	folder    string
	records   []control.Record
	cloud     *source.CloudWatch
}

// newWorld has a service shop/web of two tasks, and policies for it.
func newWorld(t *testing.T, policies string, configure ...func(*control.Config)) *world {
	t.Helper()
	w := &world{Server: flyballtest.Start(t), t: t, folder: t.TempDir()}
	w.Deploy("shop/web", 2)
	w.write("web.yaml", policies)
	client := w.Config()
	w.cloud = &source.CloudWatch{Client: cloudwatch.NewFromConfig(client), Budget: &source.Budget{}}
	w.cfg = control.Config{
		Capacity: capacity.Kinds{scaling.Services: capacity.Services{ECS: ecs.NewFromConfig(client)}},
		State:    control.Forgetful{}, Log: slog.New(slog.NewTextHandler(t.Output(), nil)), Tell: w.tell,
	}
	for _, change := range configure {
		change(&w.cfg)
	}
	w.start()
	return w
}

// start starts the controller, or another in its place.
func (w *world) start() {
	w.t.Helper()
	w.host = control.New(w.cfg)
	registry := &source.Registry{CloudWatch: w.cloud}
	w.documents = &control.Documents{Paths: []string{w.folder}, Tell: w.tell, Compile: func(d policydoc.Documents, _ policydoc.Beside) ([]control.Target, []control.Problem) {
		return control.Compile(d, registry)
	}}
	w.look()
}

func (w *world) tell(r control.Record) { w.records = append(w.records, r) }

func (w *world) write(name, text string) {
	w.t.Helper()
	if err := os.WriteFile(filepath.Join(w.folder, name), []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// look has the controller see what has become of the folder.
func (w *world) look() {
	w.t.Helper()
	if _, err := w.documents.Look(w.host, w.Now()); err != nil {
		w.t.Fatal(err)
	}
}

// run lets time pass, with all rounds of the controller that are due in it.
func (w *world) run(d time.Duration) {
	w.t.Helper()
	for until := w.Now().Add(d); w.Now().Before(until); {
		next := w.host.Round(context.Background(), w.Now())
		w.Advance(max(time.Second, min(next.Sub(w.Now()), until.Sub(w.Now()))))
	}
}

// wants checks the desired count.
func (w *world) wants(want int) {
	w.t.Helper()
	if desired, _ := w.Tasks("shop/web"); desired != want {
		w.t.Fatalf("there are %d desired tasks, and %d should be; records:\n%s", desired, want, w.told())
	}
}

// told are the records, for people.
func (w *world) told() (text string) {
	for _, r := range w.records {
		text += r.At.Format(time.TimeOnly) + " " + string(r.Event) + " " + r.Reason
		if r.Activity != nil {
			text += " " + r.Activity.Description + " " + string(r.Activity.Status) + " " + r.Activity.Message + " " + r.Activity.Cause
		}
		text += "\n"
	}
	return text
}

// has reports whether there is a record of an event.
func (w *world) has(e control.Event) bool {
	for _, r := range w.records {
		if r.Event == e {
			return true
		}
	}
	return false
}

func TestAServiceOfAWSIsScaledByItsCPU(t *testing.T) {
	w := newWorld(t, cpuPolicy)
	w.SetLoad("shop/web", flyballtest.Load{TotalCPU: 200})
	w.run(5 * time.Minute)
	w.wants(4)
	w.SetLoad("shop/web", flyballtest.Load{TotalCPU: 20})
	w.run(40 * time.Minute)
	w.wants(2)
	t.Log(w.told())
}
