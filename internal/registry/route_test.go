package registry

import "testing"

func FuzzRoute(f *testing.F) {
	for _, path := range []string{"web/manifests/v1", "a/b/blobs/uploads/", "web/blobs/uploads/x", "web/tags/list", "web/referrers/x", "//", ""} {
		f.Add(path)
	}
	f.Fuzz(func(t *testing.T, path string) {
		repository, e, item := route(path)
		whole := map[endpoint]string{
			blob: repository + "/blobs/" + item, uploads: repository + "/blobs/uploads", upload: repository + "/blobs/uploads/" + item,
			manifest: repository + "/manifests/" + item, tags: repository + "/tags/list", referrers: repository + "/referrers/" + item,
		}[e]
		if e != unknown && repository != "" && path != whole && path != whole+"/" {
			t.Errorf("%q is %q, %d, %q", path, repository, e, item)
		}
	})
}

func FuzzStartOf(f *testing.F) {
	f.Add("0-99", int64(100))
	f.Add("bytes 5-6", int64(-1))
	f.Fuzz(func(t *testing.T, given string, length int64) {
		if start, err := startOf(given, length); err == nil && start < 0 {
			t.Errorf("%q begins at %d", given, start)
		}
	})
}
