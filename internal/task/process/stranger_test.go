package process

import (
	"archive/tar"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"flyball/internal/image/imagetest"
)

// strangersLayers are those of an image as others build them: a base with its shell and
// links to it, accounts, twenty layers that change the same files, and one that takes
// some away.
func strangersLayers(t *testing.T, busybox string) []v1.Layer {
	base := []imagetest.Entry{
		imagetest.Dir("usr/bin/"), imagetest.Symlink("bin", "usr/bin"), imagetest.Program("usr/bin/busybox", busybox),
		{Header: tar.Header{Name: "tmp", Typeflag: tar.TypeDir, Mode: 0o1777}},
		imagetest.File("etc/passwd", "root:x:0:0:root:/root:/bin/sh\napp:x:1000:1000::/home/app:/bin/sh\n"),
		imagetest.File("etc/group", "root:x:0:\napp:x:1000:\nlogs:x:2000:app\n"),
		imagetest.Dir("var/cache"), imagetest.File("var/cache/old", "old"), imagetest.Symlink("var/run", "/run"), imagetest.Dir("run"),
	}
	for _, name := range []string{"sh", "cat", "id", "ls", "pwd", "hostname", "mount"} {
		base = append(base, imagetest.Symlink("usr/bin/"+name, "busybox"))
	}
	base = append(base, imagetest.Link("usr/bin/linked", "usr/bin/busybox"))
	layers := []v1.Layer{imagetest.Layer(t, base...)}
	for i := range 20 {
		layers = append(layers, imagetest.Layer(t,
			imagetest.File("srv/count", fmt.Sprint(i, "\n")), imagetest.File(fmt.Sprint("srv/only-", i), ""), imagetest.File("bin/.wh.nothing", "")))
	}
	return append(layers,
		imagetest.Layer(t, imagetest.File("srv/.wh.only-3", ""), imagetest.Dir("var/cache"), imagetest.File("var/cache/.wh..wh..opq", ""), imagetest.File("var/cache/new", "")),
		imagetest.Layer(t),
		imagetest.Layer(t, imagetest.Program("entry.sh", "#!/bin/sh\necho \"entry $*\"\nexec \"$@\"\n"), imagetest.File("var/run/app.pid", "")),
	)
}

func TestAStrangersImageRuns(t *testing.T) {
	busybox, err := os.ReadFile("/bin/busybox")
	if err != nil {
		t.Skip("there is no static busybox here:", err)
	}
	reference := pushed(t, v1.Config{
		User: "app", WorkingDir: "/home/app/work", Entrypoint: []string{"/entry.sh"},
		Cmd: []string{"sh", "-c", "pwd; id -un; cat /srv/count; ls /srv | grep -c only; ls /var/cache /run; echo $0 $HOME; busybox true && linked true && echo linked"},
		Env: []string{"PATH=/usr/bin:/bin"},
	}, strangersLayers(t, string(busybox))...)
	onEachRooting(t, func(t *testing.T, r *Runtime, how rooting) {
		got, code := output(t, r, running("task", reference))
		text := strings.Join(got, "\n")
		for _, want := range []string{"entry sh -c", "\n/home/app/work\napp\n19\n", "\n/run:\napp.pid\n", "/var/cache:\nnew\n", "sh /home/app\n"} {
			if !strings.Contains(text+"\n", want) {
				t.Errorf("exit code %d, no %q in\n%s", code, want, text)
			}
		}
		spec := running("other", reference, "cat", "/srv/count")
		if got, code := output(t, r, spec); code != 0 || !slices.Equal(got, []string{"entry cat /srv/count", "19"}) {
			t.Errorf("with a command of its own: exit code %d, %q", code, got)
		}
		spec = running("third", reference, "-c", "echo alone")
		spec.Containers[0].EntryPoint = []string{"sh"}
		if got, code := output(t, r, spec); code != 0 || !slices.Equal(got, []string{"alone"}) {
			t.Errorf("with an entry point of its own: exit code %d, %q", code, got)
		}
	})
}
