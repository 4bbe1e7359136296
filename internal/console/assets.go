package console

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"net/http"
)

//go:embed assets
var embedded embed.FS

// assetVersion is in the addresses of all that the pages load, so that browsers keep it for as
// long as it stays the same.
var assetVersion = versionOf(embedded)

func versionOf(files fs.FS) string {
	sum := sha256.New()
	err := fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := fs.ReadFile(files, name)
		sum.Write([]byte(name))
		sum.Write(text)
		return err
	})
	if err != nil {
		panic(err) // the files are in the program
	}
	return hex.EncodeToString(sum.Sum(nil))[:16]
}

// serveAssets serves the files at /console/assets/VERSION/. They are for everybody: the page
// where a visitor signs in has them, too.
func serveAssets() http.Handler {
	files, err := fs.Sub(embedded, "assets")
	if err != nil {
		panic(err) // the folder is in the program
	}
	base := "/console/assets/" + assetVersion + "/"
	serve := http.StripPrefix(base, http.FileServerFS(files))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(r.URL.Path) <= len(base) || r.URL.Path[:len(base)] != base || r.URL.Path[len(r.URL.Path)-1] == '/' {
			http.NotFound(w, r) // of another release, or a folder
			return
		}
		w.Header().Set("Cache-Control", "private, max-age=31536000, immutable")
		serve.ServeHTTP(w, r)
	})
}
