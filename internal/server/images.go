package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsecr "github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"flyball/internal/image"
	"flyball/internal/registry"
	"flyball/internal/service/ecr"
	"flyball/internal/wire"
)

// Image is the image that a task definition names, if it is one of this server's
// registries. The error is registry.ErrNotOurs for one of another host.
func (s *Server) Image(ctx context.Context, reference string) (v1.Image, error) {
	r, place, ok := s.imageOf(reference)
	if !ok {
		return nil, registry.ErrNotOurs
	}
	v := s.cells.find(place.Account, place.Region)
	if v == nil {
		return nil, noRepository(place)
	}
	image, err := readImage(ctx, v.ecr, place, r)
	if err != nil {
		return nil, err
	}
	content, kind := []byte(*image.ImageManifest), aws.ToString(image.ImageManifestMediaType)
	if registry.IsIndex(kind) {
		chosen, err := registry.Choose(content)
		if err != nil {
			return nil, fmt.Errorf("find the image for this machine in %s: %w", reference, err)
		}
		if image, err = readImage(ctx, v.ecr, place, registry.Reference{Digest: chosen}); err != nil {
			return nil, err
		}
		content, kind = []byte(*image.ImageManifest), aws.ToString(image.ImageManifestMediaType)
	}
	return s.registry.content.Image(content, kind)
}

// An imageSource has the images that tasks run as processes: those of this server's
// registries, and of all others what anybody may have.
type imageSource struct{ *Server }

func (s imageSource) Image(ctx context.Context, reference string) (v1.Image, error) {
	found, err := s.Server.Image(ctx, reference)
	if errors.Is(err, registry.ErrNotOurs) {
		return image.Remote{}.Image(ctx, reference)
	}
	return found, err
}

// readImage reads the manifest that a reference names.
func readImage(ctx context.Context, api *ecr.API, p registry.Place, r registry.Reference) (*types.Image, error) {
	id := types.ImageIdentifier{}
	if r.Digest != "" {
		id.ImageDigest = aws.String(string(r.Digest))
	} else {
		id.ImageTag = &r.Tag
	}
	out, err := api.BatchGetImage(ctx, &awsecr.BatchGetImageInput{RepositoryName: &p.Repository, ImageIds: []types.ImageIdentifier{id}})
	if err != nil {
		return nil, err
	}
	if len(out.Images) == 0 {
		return nil, &types.ImageNotFoundException{Message: out.Failures[0].FailureReason}
	}
	return &out.Images[0], nil
}

// Login says what an engine pulls an image by: the reference that leads to this server
// from this machine, and a user and a password that may do nothing else. It is not ok
// for images of other hosts.
func (s *Server) Login(_ context.Context, reference string) (pull, user, password string, ok bool) {
	return s.loginAt(s.nearHost(), reference)
}

// loginAt is Login for who finds the server's registry at a host.
func (s *Server) loginAt(host, reference string) (pull, user, password string, ok bool) {
	r, place, ok := s.imageOf(reference)
	if !ok {
		return "", "", "", false
	}
	a := s.addressing()
	a.Host = host
	pull = a.URI(place)
	if r.Tag != "" {
		pull += ":" + r.Tag
	}
	if r.Digest != "" {
		pull += "@" + string(r.Digest)
	}
	password = s.registry.passwords.Issue(registry.Grant{
		Account: place.Account, Region: place.Region, Pull: &place, Expires: s.clock.Wall().Add(registry.PasswordLife),
	})
	return pull, registry.User, password, true
}

// nearHost is an address of the server's at which the engine finds it in plain HTTP, which
// engines speak with loopback addresses: where its port is published, if it is in a container.
func (s *Server) nearHost() string {
	if s.published.IsValid() {
		return net.JoinHostPort("127.0.0.1", strconv.Itoa(int(s.published.Port())))
	}
	for i, l := range s.listeners {
		if atLoopback(l) && (i > 0 || s.cfg.Certificate == nil) {
			return l.Addr().String()
		}
	}
	return s.addressing().Host
}

// imageOf reads a reference to an image of this server's registries.
func (s *Server) imageOf(reference string) (r registry.Reference, p registry.Place, ok bool) {
	if r, ok = registry.ParseReference(reference); !ok {
		return r, p, false
	}
	name := wire.Hostname(r.Host)
	if _, _, aws := registry.ParseHost(name); !aws && !s.isOwn(name, r.Host) {
		return r, p, false
	}
	return r, s.addressing().Find(name, r.Path), true
}

// isOwn tells whether a host with its port is this server.
func (s *Server) isOwn(name, host string) bool {
	_, port, err := net.SplitHostPort(host)
	if err != nil {
		return false
	}
	ports := s.published.IsValid() && port == strconv.Itoa(int(s.published.Port())) ||
		slices.ContainsFunc(s.listeners, func(l net.Listener) bool { return port == strconv.Itoa(portOf(l)) })
	return ports && (isLoopback(name) || slices.Contains(s.hosts(), name) || host == s.addressing().Host)
}
