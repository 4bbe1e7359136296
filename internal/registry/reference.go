package registry

import (
	"regexp"
	"strings"
)

// namePattern is the name of a repository ("CreateRepository" of the ECR API).
var namePattern = regexp.MustCompile(`^[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*$`)

// ValidName tells whether a repository can have a name.
func ValidName(s string) bool { return len(s) >= 2 && len(s) <= 256 && namePattern.MatchString(s) }

// tagPattern is the tag of an image ("Pulling manifests" of the OCI distribution specification).
var tagPattern = regexp.MustCompile(`^[a-zA-Z0-9_][a-zA-Z0-9._-]*$`)

// ValidTag tells whether an image can have a tag.
func ValidTag(s string) bool { return len(s) <= 128 && tagPattern.MatchString(s) }

// A Place is a repository in a region of an account.
type Place struct{ Account, Region, Repository string }

// hostPattern is AWS's own name of the registry of a region of an account.
var hostPattern = regexp.MustCompile(`^([0-9]{12})\.dkr[.-]ecr(?:-fips)?\.([a-z0-9-]+)\.(?:amazonaws\.com(?:\.cn)?|on\.(?:aws|amazonwebservices\.com\.cn))$`)

// headPattern is the first part of the path of a repository that is in another cell than the
// default one.
var headPattern = regexp.MustCompile(`^([0-9]{12})\.dkr\.ecr\.([a-z0-9-]+)$`)

// ParseHost reads AWS's own name of a registry, which is without a port and in lower
// case.
func ParseHost(s string) (account, region string, ok bool) {
	m := hostPattern.FindStringSubmatch(s)
	if m == nil {
		return "", "", false
	}
	return m[1], m[2], true
}

// An Addressing says how repositories are addressed at a server: those of the default
// region and account by their names, others with ACCOUNT.dkr.ecr.REGION before that,
// which is a valid part of an image's name.
type Addressing struct {
	Host            string // of the server, with its port
	Account, Region string // the default ones
}

// URI is the address of a repository, to push to and pull from.
func (a Addressing) URI(p Place) string { return a.Host + "/" + a.path(p) }

// Path is where the registry serves something in a repository.
func (a Addressing) Path(p Place, rest string) string { return "/v2/" + a.path(p) + "/" + rest }

func (a Addressing) path(p Place) string {
	head, _, _ := strings.Cut(p.Repository, "/")
	if p.Account == a.Account && p.Region == a.Region && !headPattern.MatchString(head) {
		return p.Repository
	}
	return p.Account + ".dkr.ecr." + p.Region + "/" + p.Repository
}

// Find is the place that a path of the registry names, of a request with a Host that
// has no port. AWS's own host names say where they lead.
func (a Addressing) Find(hostname, path string) Place {
	if account, region, ok := ParseHost(hostname); ok {
		return Place{account, region, path}
	}
	if head, rest, ok := strings.Cut(path, "/"); ok {
		if m := headPattern.FindStringSubmatch(head); m != nil {
			return Place{m[1], m[2], rest}
		}
	}
	return Place{a.Account, a.Region, path}
}

// referenceHost is the host of a reference, with its port.
var referenceHost = regexp.MustCompile(`^(\[[0-9a-fA-F:.]+\]|[a-zA-Z0-9][a-zA-Z0-9.-]*)(:[0-9]+)?$`)

// A Reference is what a task definition or a client names an image by.
type Reference struct {
	Host string // with its port; empty where the reference has none
	Path string // of the repository
	Tag  string // latest without a tag and a digest
	Digest
}

// ParseReference reads a reference to an image.
func ParseReference(s string) (r Reference, ok bool) {
	if head, digest, has := strings.Cut(s, "@"); has {
		d, err := ParseDigest(digest)
		if err != nil {
			return r, false
		}
		s, r.Digest = head, d
	}
	if i := strings.LastIndexByte(s, ':'); i > strings.LastIndexByte(s, '/') {
		s, r.Tag = s[:i], s[i+1:]
		if !ValidTag(r.Tag) {
			return r, false
		}
	}
	if r.Tag == "" && r.Digest == "" {
		r.Tag = "latest"
	}
	r.Path = s
	if head, rest, has := strings.Cut(s, "/"); has && (head == "localhost" || strings.ContainsAny(head, ".:")) {
		r.Host, r.Path = head, rest
		if !referenceHost.MatchString(head) {
			return r, false
		}
	}
	return r, len(r.Path) <= 512 && namePattern.MatchString(r.Path)
}
