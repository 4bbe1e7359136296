package registry

import "strings"

// An endpoint is what a path of the registry is about, named as in the OCI
// distribution specification.
type endpoint uint8

const (
	unknown   endpoint = iota
	blob               // NAME/blobs/DIGEST
	uploads            // NAME/blobs/uploads/
	upload             // NAME/blobs/uploads/ID
	manifest           // NAME/manifests/REFERENCE
	tags               // NAME/tags/list
	referrers          // NAME/referrers/DIGEST
)

// route parts the path behind /v2/ into the repository, what is asked of it, and which.
// It reads from the end, for a repository may be called a/manifests/b.
func route(path string) (repository string, e endpoint, item string) {
	head, last := cutLast(path)
	before, word := cutLast(head)
	switch {
	case word == "uploads":
		if name, blobs := cutLast(before); blobs == "blobs" {
			if last == "" {
				return name, uploads, ""
			}
			return name, upload, last
		}
	case word == "tags" && last == "list":
		return before, tags, ""
	case last == "":
	case word == "blobs" && last == "uploads":
		return before, uploads, ""
	case word == "blobs":
		return before, blob, last
	case word == "manifests":
		return before, manifest, last
	case word == "referrers":
		return before, referrers, last
	}
	return "", unknown, ""
}

// cutLast cuts a path before its last part.
func cutLast(path string) (before, last string) {
	i := strings.LastIndexByte(path, '/')
	if i < 0 {
		return "", path
	}
	return path[:i], path[i+1:]
}
