package process

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"flyball/internal/task"
)

func TestTheCommandOfAContainer(t *testing.T) {
	all, err := newImages(Options{
		Executable: "/bin/flyball", Args: []string{"workload"},
		Images: map[string]string{"my/app": "python3 'my app.py'", "my/app:beta": "beta", "localhost:5000/app": "local"},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name      string
		container task.Container
		want      []string
	}{
		{"a built-in image", task.Container{Image: "flyball/web"}, []string{"/bin/flyball", "workload", "web"}},
		{"a built-in image with a tag", task.Container{Image: "flyball/web:latest"}, []string{"/bin/flyball", "workload", "web"}},
		{"a mapped image", task.Container{Image: "my/app"}, []string{"python3", "my app.py"}},
		{"any tag of a mapped image", task.Container{Image: "my/app:1.2"}, []string{"python3", "my app.py"}},
		{"a digest", task.Container{Image: "my/app@sha256:0123"}, []string{"python3", "my app.py"}},
		{"a tag mapped by itself", task.Container{Image: "my/app:beta"}, []string{"beta"}},
		{"a registry with a port", task.Container{Image: "localhost:5000/app"}, []string{"local"}},
		{"a command is appended", task.Container{Image: "my/app", Command: []string{"--fast"}}, []string{"python3", "my app.py", "--fast"}},
		{"a program of this machine is the command", task.Container{Image: "flyball/program", Command: []string{"/bin/date", "-u"}}, []string{"/bin/date", "-u"}},
		{"an entry point replaces", task.Container{Image: "my/app", EntryPoint: []string{"env"}, Command: []string{"-i"}}, []string{"env", "-i"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			command, ok := all.find(tt.container.Image)
			if got := combine(tt.container, command, nil); !ok || !slices.Equal(got, tt.want) {
				t.Errorf("command = %q, %v; want %q", got, ok, tt.want)
			}
		})
	}
}

func TestAMappingThatIsNotACommandIsRefused(t *testing.T) {
	for name, line := range map[string]string{"a": "", "": "true", "b": "echo 'open", "c": "echo | cat"} {
		opts := options(t)
		opts.Images = map[string]string{name: line}
		if _, err := New(opts); err == nil {
			t.Errorf("--image %s=%s was accepted", name, line)
		}
	}
}

func TestSplitWords(t *testing.T) {
	for line, want := range map[string][]string{
		"":                     nil,
		"  a \t b\nc  ":        {"a", "b", "c"},
		`'a b' "c d"`:          {"a b", "c d"},
		`a' 'b`:                {"a b"},
		`'' ""`:                {"", ""},
		`a\ b \'c`:             {"a b", "'c"},
		`"a \"b\" \n $HOME"`:   {`a "b" \n $HOME`},
		`'a\b'`:                {`a\b`},
		`sh -c 'exit "$CODE"'`: {"sh", "-c", `exit "$CODE"`},
		`a $HOST:${PORT} *.go`: {"a", "$HOST:$PORT", "*.go"},
	} {
		if got, err := splitWords(line); err != nil || !slices.Equal(got, want) {
			t.Errorf("splitWords(%q) = %q, %v; want %q", line, got, err, want)
		}
	}
}

func TestWhatOnlyAShellCanDoIsRefused(t *testing.T) {
	for _, line := range []string{"a | b", "a; b", "a > b", "a &", "$(a)", "`a`", `"a`, `'a`} {
		if got, err := splitWords(line); err == nil || !strings.Contains(err.Error(), "sh -c '...'") {
			t.Errorf("splitWords(%q) = %q, %v; want a word about sh -c", line, got, err)
		} else {
			t.Log(err)
		}
	}
}

// What is quoted comes back as it was.
func FuzzSplitWords(f *testing.F) {
	f.Add("a b", `c"d`)
	f.Add("", `\`)
	f.Fuzz(func(t *testing.T, a, b string) {
		_, _ = splitWords(a + b)
		if strings.ContainsAny(a+b, "'\x00\r") || !utf8.ValidString(a) || !utf8.ValidString(b) {
			return // no shell keeps them
		}
		got, err := splitWords("'" + a + "' '" + b + "'")
		if want := []string{a, b}; err != nil || !slices.Equal(got, want) {
			t.Errorf("got %q, %v; want %q", got, err, want)
		}
	})
}
