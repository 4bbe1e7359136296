package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// commands are all that can be run, in the order of the help.
func commands(of *cobra.Command) (all []*cobra.Command) {
	for _, c := range of.Commands() {
		if c.Hidden || c.Name() == "help" || c.Name() == "completion" {
			continue
		}
		if c.Runnable() {
			all = append(all, c)
		}
		all = append(all, commands(c)...)
	}
	return all
}

// raw are the words of parsers, of the SDK and of Go itself, which tell nobody what to type.
var raw = regexp.MustCompile(`strconv\.|json:|invalid argument|invalid syntax|accepts |requires at least|parsing |dial tcp|no such host|connection refused|bind: |time: (?:invalid|missing|unknown)|invalid character|unmarshal|` +
	`required flag\(s\)|unknown shorthand|in the group|operation error|unexpected EOF|no such file|is a directory|looking for beginning|[a-z]+\.[A-Z][a-z]+Error`)

// refuses runs a command line that is wrong, and wants it refused with some words: with status
// 2, in words that say what to type, and nothing done.
func refuses(t *testing.T, want string, args ...string) {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	var out, complaints bytes.Buffer
	status := execute(ctx, args, &out, &complaints)
	text := complaints.String()
	line := "flyball " + strings.Join(args, " ")
	if status != 2 || !strings.HasPrefix(text, "flyball: ") || !strings.Contains(text, want) {
		t.Errorf("%s: status %d: %swant status 2 and %q", line, status, text, want)
	}
	if said := raw.FindString(text); said != "" {
		t.Errorf("%s: %swhich has the words of a parser: %q", line, text, said)
	}
	if out.Len() > 0 {
		t.Errorf("%s: printed %s", line, out.String())
	}
}

// elsewhere has commands work in an empty folder and ask a server that is not there. What it
// returns tells what is in the folder that was not.
func elsewhere(t *testing.T) (changed func() []string) {
	t.Helper()
	dir := t.TempDir()
	t.Chdir(dir)
	t.Setenv("XDG_STATE_HOME", filepath.Join(dir, "state"))
	t.Setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
	for _, name := range []string{"AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_CA_BUNDLE"} {
		t.Setenv(name, "")
	}
	for name, content := range map[string]string{"text": "no numbers\n", "empty": "", "folder/x": ""} {
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	files := func() (names []string) {
		filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
			names = append(names, path)
			return err
		})
		return names
	}
	before := files()
	return func() []string {
		if after := files(); len(after) != len(before) {
			return after
		}
		return nil
	}
}

// wrongValues are texts that no flag of a type takes.
func wrongValues(kind string) []string {
	switch {
	case kind == "duration":
		return []string{"5 minutes", "soon", "10", "-5m", ""}
	case strings.HasSuffix(kind, "Slice") && strings.HasPrefix(kind, "int"):
		return []string{"x", "24,x", "24,-1"}
	case strings.HasSuffix(kind, "Slice") && strings.HasPrefix(kind, "float"):
		return []string{"x", "0.8,x", "0.8,-1"}
	case strings.HasPrefix(kind, "int"):
		return []string{"x", "1.5", "-1", "99999999999999999999", ""}
	case strings.HasPrefix(kind, "float"):
		return []string{"x", "-1", "NaN", "Inf", ""}
	case kind == "bool":
		return []string{"maybe"}
	case kind == "text":
		return []string{"x"}
	}
	return nil
}

func TestEveryCommandAnswersWrongUsageWithWhatToType(t *testing.T) {
	changed := elsewhere(t)
	for _, c := range commands(root()) {
		path := strings.Fields(c.CommandPath())[1:]
		with := func(args ...string) []string { return append(append([]string{}, path...), args...) }
		t.Run(strings.Join(path, " "), func(t *testing.T) {
			refuses(t, "has no flag --no-such-flag", with("--no-such-flag")...)
			refuses(t, "has no flag -Z", with("-Z")...)
			c.Flags().VisitAll(func(f *pflag.Flag) {
				if f.Value.Type() != "bool" && f.NoOptDefVal == "" {
					refuses(t, "--"+f.Name+" wants a value: ", with("--"+f.Name)...)
				}
				for _, value := range wrongValues(f.Value.Type()) {
					refuses(t, "--"+f.Name, with(fmt.Sprintf("--%s=%s", f.Name, value))...)
				}
			})
			_, wanted, _ := strings.Cut(c.Use, " ")
			if wanted != "" && !strings.HasPrefix(wanted, "[") {
				refuses(t, wanted, path...)
			}
			if !strings.Contains(wanted, "...") {
				refuses(t, c.Name(), with("1", "2", "3", "4")...)
			}
			if left := changed(); left != nil {
				t.Errorf("there are files now: %q", left)
			}
		})
	}
}

func TestWrongInputIsAnsweredWithWhatToType(t *testing.T) {
	changed := elsewhere(t)
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>Welcome</html>") }))
	defer page.Close()
	for _, tt := range []struct{ name, line, want string }{
		{"a command that is none", "stauts", `flyball has no command "stauts"; did you mean status?`},
		{"a command below another that is none", "demo backlgo", `flyball demo has no command "backlgo"; did you mean backlog?`},
		{"help about a command that is none", "help stauts", `flyball has no command "stauts"; did you mean status?`},
		{"help about a command below another that is none", "help demo backlgo", `flyball demo has no command "backlgo"; did you mean backlog?`},
		{"a schema that is none", "schema flyball.yml", `flyball schema takes policies or flyball.yaml, and not "flyball.yml"`},
		{"a flag as other programs have it", "serve --port 4566", "flyball serve has no flag --port; did you mean --addr?"},
		{"a flag as other programs have it", "status --url http://127.0.0.1:1", "did you mean --endpoint?"},
		{"a value that is none", "simulate --zone Berlin", `--zone "Berlin": this is none that it takes: time zone`},
		{"a file with another ending", "forecast text.csv", "there is no file text.csv; did you mean text?"},
		{"a file with a letter wrong", "forecast emty", "there is no file emty; did you mean empty?"},
		{"a shell that is none", "completion tcsh", `flyball completion has no command "tcsh"`},
		{"a flag with a letter wrong", "status --jsno", "flyball status has no flag --jsno; did you mean --json?"},
		{"flags that go together", "serve --tls-cert text", "--tls-cert and --tls-key go together: give --tls-key, too"},
		{"flags of which one is wanted", "report demo/web", "give --svg or --html"},
		{"flags that do not go together", "load --users 1 --rate 1 http://127.0.0.1:1/", "do not go together"},

		{"a server that is not there", "status", "no server answers at http://127.0.0.1:1: nothing listens there;"},
		{"a server that speaks no TLS", "status --endpoint https" + strings.TrimPrefix(page.URL, "http"), "what listens there speaks no TLS; write http:// in place of https://"},
		{"a server that is not there", "explain demo/web", "start one with flyball serve, or name another with --endpoint"},
		{"a server that is not there", "activities", "no server answers at"},
		{"a server that is not there", "logs demo/web", "no server answers at"},
		{"a server that is not there", "report demo/web --svg a.svg", "no server answers at"},
		{"a server that is not there", "ca", "no server answers at"},
		{"a server that is not there", "backup a.tar", "no server answers at"},
		{"a server that is not there", "load --queue jobs --messages 1", "no server answers at"},
		{"a server that is none", "status --endpoint " + page.URL, "is no Flyball server"},
		{"a server that is none", "explain demo/web --endpoint " + page.URL, "is no Flyball server"},
		{"a server that is none", "activities --endpoint " + page.URL, "is no Flyball server"},
		{"a server that is none", "logs demo/web --endpoint " + page.URL, "is no Flyball server"},
		{"a server that is none", "report demo/web --svg a.svg --endpoint " + page.URL, "is no Flyball server"},
		{"a server that is none", "load --queue jobs --messages 1 --endpoint " + page.URL, "is no Flyball server"},
		{"an endpoint that is no address", "status --endpoint localhost", "is not the URL of a server, such as http://127.0.0.1:4566"},
		{"a region that is none", "status --region Frankfurt", "a region is written like us-east-1"},
		{"a region of no form", "now --region mars", "a region is written like us-east-1"},
		{"an account that is none", "status --account 42", "12 digits"},
		{"authorities that are not there", "status --ca none.pem", "there is no file none.pem"},
		{"authorities in a folder", "status --ca folder", "folder is a folder; name a file"},

		{"a name that is none", "explain a/b/c", "name a service such as demo/web"},
		{"a queue for a service", "report arn:aws:sqs:us-east-1:123456789012:jobs --svg a.svg", "names a queue, not a service"},
		{"nothing", "activities --limit 0", "give a number above 0"},
		{"an interval of nothing", "status --watch --interval 0s", "give a time of 1ms or more"},
		{"a record that is not there", "report demo/web --svg a.svg --load none.jsonl", "there is no file none.jsonl"},
		{"a folder for a record", "report demo/web --svg a.svg --load folder", "folder is a folder; name a file"},
		{"a record that is none", "report demo/web --svg a.svg --load text", "text"},

		{"a file that is not there", "forecast none.csv", "there is no file none.csv"},
		{"a folder for a file", "forecast folder", "folder is a folder; name a file"},
		{"a file without numbers", "forecast text", "text"},
		{"an empty file", "forecast empty", "no values"},
		{"a batch that is not there", "forecast --batch none.csv", "there is no file none.csv"},
		{"nothing to forecast", "forecast", "name a file of hourly values"},

		{"traffic and its description", "forecast x.csv --generate steady(1/m)", `leave out "x.csv"`},
		{"traffic of no kind", "forecast --generate stedy(1/m)", "--generate: column 1: \"stedy\" is no kind of traffic"},
		{"a rate without its time", "simulate --min 1 --max 2 --cpu-per-request 1ms --generate steady(100)", "--generate: column 8:"},
		{"a time of no traffic", "simulate --for 3d --traffic text", "give --generate"},
		{"traffic of nothing", "simulate --cpu-per-request 1ms", "give --traffic or --generate or --traffic-from"},
		{"a time of no traffic", "load --for 1h --rate 1 http://127.0.0.1:1/", "give --generate"},
		{"two traffics", "simulate --traffic text --generate steady(1/m)", "--generate and --traffic do not go together"},
		{"forecasts of odd steps", "simulate --generate steady(1/m) --cpu-per-request 1ms --min 1 --max 2 --forecast-step 7m", "such as 5m"},
		{"a quantile of all", "simulate --generate steady(1/m) --cpu-per-request 1ms --min 1 --max 2 --quantile 1", "such as 0.6"},
		{"a holiday that is none", "forecast --generate steady(1/m) --holidays 25.12.", "2026-12-25"},
		{"a length that is none", "forecast --generate steady(1/m) --for long", "give a time such as 90m, 12h or 14d"},
		{"nothing to fit", "fit", "name a file of what was measured"},
		{"a size of no task", "fit text", "--task-cpu"},
		{"a history that is not there", "fit none.csv --task-cpu 256", "there is no file none.csv"},
		{"a history without numbers", "fit text --task-cpu 256", "text: "},
		{"a history that is named twice", "fit text text --task-cpu 256", "named twice"},
		{"a server without a service", "simulate --traffic-from http://127.0.0.1:1", "--service CLUSTER/SERVICE"},
		{"a server that is not there", "simulate --traffic-from http://127.0.0.1:1 --service demo/web", "no server answers at"},
		{"a server that is none", "tune --agree p95<1s --traffic-from nowhere --service demo/web", `--traffic-from: "nowhere" is not the URL of a server`},
		{"a time of no server", "simulate --last 3d --traffic text", "give --traffic-from"},
		{"a database without a name", "serve --store= --data folder", "--store of nothing"},
		{"a server without a name", "load --traffic-from= http://127.0.0.1:1", "--traffic-from of nothing"},
		{"a server without a name", "tune --agree p95<1s --traffic-from= --service demo/web", "--traffic-from of nothing"},
		{"a server without a service", "forecast --traffic-from http://127.0.0.1:1", "--service CLUSTER/SERVICE"},
		{"a server that is not there", "forecast --traffic-from http://127.0.0.1:1 --service demo/web", "no server answers at"},
		{"a file and a server", "forecast text --traffic-from http://127.0.0.1:1 --service demo/web", "give one of them"},
		{"a time of no server", "forecast text --last 3d", "give --traffic-from"},
		{"a server without a service", "fit --from http://127.0.0.1:1", "--service CLUSTER/SERVICE"},
		{"a server that is not there", "fit --from http://127.0.0.1:1 --service demo/web", "no server answers at"},
		{"a file and a server", "fit text --from http://127.0.0.1:1", `leave out "text"`},
		{"a service of no server", "fit text --task-cpu 256 --service demo/web", "give --from"},
		{"a model that is not there", "simulate --generate steady(1/m) --min 1 --max 2 --model none.json", "there is no file none.json"},

		{"an address that is none", "load 127.0.0.1:80", "is not a URL such as http://"},
		{"a speed that is none", "load --speed fast http://127.0.0.1:1/", `give a number above 0, at most 100000, or "server"`},
		{"no messages", "load --queue jobs", "give --rate, --stages, --traffic, --traffic-from, --generate or --messages"},
		{"a template that is none", "load --queue jobs --messages 1 --body {{.X}}", "--body"},
		{"ramps beyond the duration", "load --duration 1m --ramp 2m http://127.0.0.1:1/", "shorter than the ramps in it"},

		{"an image without a command", "serve --image web", "give NAME=COMMAND"},
		{"a level that is none", "serve --log-level loud", "give debug, info, warn or error"},
		{"an address that is none", "serve --addr nowhere", "give HOST:PORT, such as nowhere:4566"},
		{"a URL for an address", "serve --addr http://127.0.0.1:4567/", "give HOST:PORT, such as 127.0.0.1:4567"},
		{"a URL without a port for an address", "serve --addr http://localhost", "give HOST:PORT, such as localhost:4566"},
		{"a port for an address", "serve --addr 4567", "give HOST:PORT, such as 127.0.0.1:4567"},
		{"a port that is none", "serve --addr 127.0.0.1:web", `"web" is no port; give a number from 0 to 65535`},
		{"a URL for a name", "serve --host http://flyball.example:4566/console/", "give the name alone: flyball.example"},
		{"a name with a port", "serve --host flyball:4566", "give the name alone: flyball"},
		{"a name in brackets", "serve --host [::1]", "give the name alone: ::1"},
		{"no name", "serve --host=", "give a name or an address, such as flyball.example"},
		{"any name", "serve --host *", "give names, such as *.example.com"},
		{"a URL for a domain", "serve --lb-domain http://lb.example.com/", "give a name in lower case such as lb.example.com"},
		{"a folder with files of others", "serve --addr 127.0.0.1:0 --data folder", "not the data folder of a server: it has "},
		{"no address to call", "control kubernetes --allow-addresses=", "--allow-addresses lists nothing"},
		{"a URL to call", "control kubernetes --allow-addresses http://prometheus:9090", "nor the name of a host such as prometheus.monitoring"},
		{"a speed of nothing", "serve --speed 0", "give a number above 0"},
		{"a region that is none", "serve --region Frankfurt", "give a name such as us-east-1"},
		{"a runtime that is none", "serve --runtime podman --addr 127.0.0.1:0 --data state/x", "give auto, process, docker, kubernetes or simulated"},
		{"a key file that is not there", "serve --auth none.ini", "there is no file none.ini"},
		{"certificates that are not there", "serve --tls-cert none.pem --tls-key none.pem", "there is no file none.pem"},
		{"a speed that is too slow to show", "demo --speed 1", "25"},

		{"a data folder that is not there", "check none", "none: not the data folder of a server: there is no such folder; name the folder that flyball serve keeps"},
		{"a file for a data folder", "check text", "it is a file; name the folder that flyball serve keeps"},
		{"a folder of others", "check folder", "it has no flyball.db; name the folder that flyball serve keeps"},
		{"a file for a data folder", "serve --addr 127.0.0.1:0 --data text", "is a file and no folder; --data names another"},
		{"a port that is none", "load --service demo/web --rate 1 --endpoint http://127.0.0.1:99999", "99999 is no port; give one from 0 to 65535"},
		{"a template that does not end", "load --rate 1 --body {{.N http://127.0.0.1:1/", "--body: line 1: unclosed action; write a field as {{.N}}"},
		{"no keys of a certificate", "serve --tls-cert text --tls-key text", "are no certificate and its key in PEM: "},
		{"authorities that are none", "status --ca text", "text has no certificate in PEM; name the file with the certificate of the server"},
		{"prices that are none", "simulate --generate steady(1/m) --min 1 --max 2 --cpu-per-request 1ms --prices text", "it is no JSON document of prices: write {"},
		{"a report of nothing", "control report --audit none/audit.jsonl", "flyball control --dry-run writes one"},
		{"a network that is none", "serve --task-network host --addr 127.0.0.1:0 --data state/x", "give auto, namespace or loopback"},
		{"a backup that is not there", "restore none.tar data", "make one with flyball backup"},
		{"a file for a backup", "restore text data", "text"},
		{"a folder that has something", "backup folder", "name another one, or a file that ends with .tar"},
		{"a data folder that is not there", "backup --data none a.tar", "none"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			refuses(t, tt.want, strings.Fields(tt.line)...)
			if left := changed(); left != nil {
				t.Errorf("flyball %s: there are files now: %q", tt.line, left)
			}
		})
	}
}
