package main

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"flyball/internal/client"
)

// An engine is Docker, by its command.
type engine struct {
	*testing.T
	socket, group string // of the engine, and whose group it is
	image         string
}

// newEngine builds the image of this source. It skips the test where no engine answers.
func newEngine(t *testing.T) *engine {
	t.Helper()
	e := &engine{T: t, socket: "/var/run/docker.sock", image: "flyball-test/server:" + strconv.Itoa(os.Getpid())}
	if host := os.Getenv("DOCKER_HOST"); host != "" {
		e.socket = strings.TrimPrefix(host, "unix://")
	}
	var socket syscall.Stat_t
	if err := syscall.Stat(e.socket, &socket); err != nil {
		t.Skip("the image was not built or run: no Docker engine has a socket here: ", err)
	}
	if out, err := exec.Command("docker", "version").CombinedOutput(); err != nil {
		t.Skipf("the image was not built or run: no Docker engine answers: %s", out)
	}
	e.group = strconv.Itoa(int(socket.Gid))

	dir := t.TempDir()
	root := filepath.Join(dir, "dist", "image")
	for _, folder := range []string{"data", "tmp"} {
		if err := os.MkdirAll(filepath.Join(root, folder), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	build := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", filepath.Join(root, "flyball"), ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	e.docker("build", "-q", "-t", e.image, "-f", "../../Dockerfile", dir)
	t.Cleanup(func() { e.try("rmi", "-f", e.image) })
	return e
}

// try carries out a command of Docker's, and returns what it printed.
func (e *engine) try(args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience) // also at the end of a test
	defer cancel()
	out, err := exec.CommandContext(ctx, "docker", args...).CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

// docker carries out one that has to succeed.
func (e *engine) docker(args ...string) string {
	e.Helper()
	out, err := e.try(args...)
	if err != nil {
		e.Fatalf("docker %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

// await waits until a command prints a text.
func (e *engine) await(want string, args ...string) {
	e.Helper()
	var out string
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); <-time.After(100 * time.Millisecond) {
		if out, _ = e.try(args...); strings.Contains(out, want) {
			return
		}
	}
	e.Fatalf("docker %s: %q, want %q", strings.Join(args, " "), out, want)
}

// The image is built once for both.
func TestTheImage(t *testing.T) {
	e := newEngine(t)
	t.Run("says what it needs", func(t *testing.T) { e.in(t).saysWhatItNeeds() })
	t.Run("runs tasks beside itself and keeps its state", func(t *testing.T) { e.in(t).runsTasks() })
}

// in is the engine for another test.
func (e *engine) in(t *testing.T) *engine {
	other := *e
	other.T = t
	return &other
}

func (e *engine) saysWhatItNeeds() {
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"nothing":                     {[]string{e.image}, "docker run -p 127.0.0.1:4566:4566 ... serve --listen-anywhere"},
		"a socket without its group":  {[]string{"-v", e.socket + ":/var/run/docker.sock", e.image, "serve", "--listen-anywhere"}, "--group-add " + e.group},
		"the machine's network":       {[]string{"--network", "host", e.image, "serve", "--listen-anywhere"}, "Leave out --network host"},
		"a port that all tasks reach": {[]string{"-p", "4566", "-v", e.socket + ":/var/run/docker.sock", "--group-add", e.group, e.image, "serve", "--listen-anywhere"}, "docker run -p 127.0.0.1:"},
		"its version":                 {[]string{e.image, "--version"}, "flyball "},
		"a health check of no server": {[]string{e.image, "health"}, "no server answers"},
	} {
		if out, _ := e.try(append([]string{"run", "--rm"}, c.args...)...); !strings.Contains(out, c.want) {
			e.Errorf("%s: %q, want %q", name, out, c.want)
		}
	}
}

func (e *engine) runsTasks() {
	t := e.T
	name := fmt.Sprintf("flyball-test-%d", os.Getpid())
	e.docker("volume", "create", name)
	t.Cleanup(func() {
		e.try("rm", "-f", name)
		e.try("volume", "rm", name)
	})
	e.docker("run", "-d", "--name", name, "--stop-timeout", "60", "-p", "127.0.0.1::4566", "-v", name+":/data",
		"-v", e.socket+":/var/run/docker.sock", "--group-add", e.group, e.image, "serve", "--listen-anywhere")
	e.await("ready http://127.0.0.1:", "logs", name)
	at := netip.MustParseAddrPort(e.docker("port", name, "4566/tcp"))
	c := client.New(client.Config{Endpoint: "http://" + at.String(), Region: "us-east-1"})
	if err := c.Health(t.Context()); err != nil {
		t.Fatal(err)
	}
	if out := e.docker("exec", name, "/flyball", "health"); out != "ok" {
		t.Error(out)
	}
	createWeb(t, c)
	network := e.docker("inspect", "-f", `{{range $name, $_ := .NetworkSettings.Networks}}{{println $name}}{{end}}`, name)
	network = network[strings.LastIndex(network, "\n")+1:]
	ofTasks := "label=flyball.instance=" + strings.TrimPrefix(network, "zz-")
	t.Cleanup(func() {
		e.try("stop", name)
		e.try(append([]string{"rm", "-f"}, strings.Fields(e.docker("ps", "-aq", "--filter", ofTasks))...)...)
		e.try("network", "rm", network)
	})
	tasks := []string{"ps", "-q", "--filter", ofTasks}
	if running := len(strings.Fields(e.docker(tasks...))); running != 1 {
		t.Errorf("%d containers of tasks run beside the server", running)
	}

	// A task without credentials calls wherever the server may be.
	beside := e.docker("inspect", "-f", fmt.Sprintf(`{{(index .NetworkSettings.Networks %q).IPAddress}}`, network), name)
	gateway := e.docker("network", "inspect", "-f", "{{(index .IPAM.Config 0).Gateway}}", network)
	for _, address := range []string{beside + ":4566", gateway + ":" + strconv.Itoa(int(at.Port()))} {
		out, err := e.try("run", "--rm", "--network", network, e.image, "status", "--endpoint", "http://"+address)
		if err == nil {
			t.Errorf("a task at %s: %s", address, out)
		}
	}

	e.docker("stop", name)
	if left := e.docker(tasks...); left != "" {
		t.Errorf("a stop leaves %s", left)
	}
	e.docker("start", name)
	e.await("127.0.0.1:", "port", name, "4566/tcp")
	at = netip.MustParseAddrPort(e.docker("port", name, "4566/tcp")) // a free one each time
	c = client.New(client.Config{Endpoint: "http://" + at.String(), Region: "us-east-1"})
	awaitWeb(t, c)
}

// createWeb creates a service of one task, and waits until that runs.
func createWeb(t *testing.T, c *client.Client) {
	t.Helper()
	if _, err := c.ECS.CreateCluster(t.Context(), &ecs.CreateClusterInput{ClusterName: aws.String("demo")}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.ECS.RegisterTaskDefinition(t.Context(), &ecs.RegisterTaskDefinitionInput{
		Family:               aws.String("web"),
		ContainerDefinitions: []ecstypes.ContainerDefinition{{Name: aws.String("web"), Image: aws.String("flyball/web"), Memory: aws.Int32(128)}},
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.ECS.CreateService(t.Context(), &ecs.CreateServiceInput{
		Cluster: aws.String("demo"), ServiceName: aws.String("web"), TaskDefinition: aws.String("web"), DesiredCount: aws.Int32(1),
	}); err != nil {
		t.Fatal(err)
	}
	awaitWeb(t, c)
}

func awaitWeb(t *testing.T, c *client.Client) {
	t.Helper()
	var problem any
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); <-time.After(100 * time.Millisecond) {
		out, err := c.ECS.DescribeServices(t.Context(), &ecs.DescribeServicesInput{Cluster: aws.String("demo"), Services: []string{"web"}})
		switch {
		case err != nil:
			problem = err // it starts
		case len(out.Services) == 1 && out.Services[0].RunningCount == 1:
			return
		default:
			problem = out.Services
		}
	}
	t.Fatalf("the task does not run: %v", problem)
}
