package registry_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"flyball/internal/registry"
)

const (
	other  = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	config = `"config": {"mediaType": "application/vnd.oci.image.config.v1+json", "size": 2, "digest": "` + sum + `"}`
)

func TestWhatAManifestNames(t *testing.T) {
	m, err := registry.ParseManifest([]byte(`{"schemaVersion": 2, "mediaType": "`+registry.OCIManifest+`", `+config+`, "layers": [
		{"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", "size": 1, "digest": "`+other+`"},
		{"mediaType": "application/vnd.oci.image.layer.nondistributable.v1.tar", "size": 1, "digest": "`+sum+`"}],
		"subject": {"mediaType": "`+registry.OCIManifest+`", "size": 1, "digest": "`+other+`"}, "annotations": {"a": "b"}}`), "")
	if err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprint(m.MediaType, m.ArtifactType, m.Subject, m.Annotations, m.Children)
	if want := fmt.Sprint(registry.OCIManifest, "application/vnd.oci.image.config.v1+json", other, map[string]string{"a": "b"}, []registry.Digest{}); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if needs := m.Names(); len(needs) != 2 || needs[0].Digest != sum || needs[1].Digest != other {
		t.Errorf("it needs %+v", needs)
	}
}

func TestManifestsThatAreRefused(t *testing.T) {
	list := `"manifests": [{"mediaType": "` + registry.OCIManifest + `", "size": 1, "digest": "` + sum + `"}]`
	for name, tt := range map[string]struct{ kind, text string }{
		"nothing":                        {registry.OCIManifest, ``},
		"what is no JSON":                {registry.OCIManifest, `{"schemaVersion": 2`},
		"what is no object":              {registry.OCIManifest, `[]`},
		"more after it":                  {registry.OCIManifest, `{"schemaVersion": 2, ` + config + `, "layers": []} x`},
		"another version":                {registry.OCIManifest, `{"schemaVersion": 1, ` + config + `, "layers": []}`},
		"two types":                      {registry.OCIManifest, `{"schemaVersion": 2, "mediaType": "` + registry.DockerManifest + `", ` + config + `}`},
		"a type of the first schema":     {"application/vnd.docker.distribution.manifest.v1+json", `{"schemaVersion": 2, ` + config + `}`},
		"no configuration":               {registry.OCIManifest, `{"schemaVersion": 2, "layers": []}`},
		"a digest that is none":          {registry.OCIManifest, `{"schemaVersion": 2, "config": {"digest": "sha256:../../../etc/passwd"}}`},
		"a digest of another kind":       {registry.OCIManifest, `{"schemaVersion": 2, "config": {"digest": "` + strings.Replace(sum, "256", "512", 1) + `"}}`},
		"a layer with such a digest":     {registry.OCIManifest, `{"schemaVersion": 2, ` + config + `, "layers": [{"digest": "x"}]}`},
		"a subject with such a digest":   {registry.OCIManifest, `{"schemaVersion": 2, ` + config + `, "subject": {"digest": "x"}}`},
		"an image that is an index, too": {registry.OCIManifest, `{"schemaVersion": 2, ` + config + `, ` + list + `}`},
		"an index that is an image, too": {registry.OCIIndex, `{"schemaVersion": 2, ` + config + `, ` + list + `}`},
		"an index with such a digest":    {registry.DockerList, `{"schemaVersion": 2, "manifests": [{"digest": "x"}]}`},
		"letters that are none":          {registry.OCIManifest, `{"schemaVersion": 2, ` + config + `, "annotations": {"a": "` + "\xff" + `"}}`},
		"too much":                       {registry.OCIManifest, `{"schemaVersion": 2, ` + config + strings.Repeat(" ", registry.MaxManifest) + `}`},
	} {
		if m, err := registry.ParseManifest([]byte(tt.text), tt.kind); !errors.Is(err, registry.ErrManifest) {
			t.Errorf("%s: %+v, %v", name, m, err)
		}
	}
	if _, err := registry.ParseManifest([]byte(`{"schemaVersion": 2}`), ""); !errors.Is(err, registry.ErrNoMediaType) {
		t.Errorf("without a type: %v", err)
	}
}

func FuzzParseManifest(f *testing.F) {
	f.Add([]byte(`{"schemaVersion": 2, "mediaType": "`+registry.OCIManifest+`", `+config+`, "layers": []}`), "")
	f.Add([]byte(`{"schemaVersion": 2, "manifests": [{"digest": "`+sum+`"}]}`), registry.DockerList)
	f.Fuzz(func(t *testing.T, content []byte, kind string) {
		m, err := registry.ParseManifest(content, kind)
		if err != nil {
			return
		}
		for _, l := range m.Names() {
			if _, err := registry.ParseDigest(string(l.Digest)); err != nil {
				t.Errorf("it needs %q", l.Digest)
			}
		}
	})
}

func FuzzParseReference(f *testing.F) {
	f.Add("127.0.0.1:4566/team/web:v1@" + sum)
	f.Add("nginx")
	f.Fuzz(func(t *testing.T, text string) {
		r, ok := registry.ParseReference(text)
		if !ok {
			return
		}
		if strings.Contains(r.Path, "..") || strings.HasPrefix(r.Path, "/") {
			t.Errorf("%q has the path %q", text, r.Path)
		}
		if r.Tag == "" && r.Digest == "" {
			t.Errorf("%q names nothing", text)
		}
	})
}
