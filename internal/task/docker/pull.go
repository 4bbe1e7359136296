package docker

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/containerd/errdefs"
	"github.com/distribution/reference"
	"github.com/moby/moby/api/pkg/authconfig"
	imageapi "github.com/moby/moby/api/types/image"
	"github.com/moby/moby/api/types/registry"
	"github.com/moby/moby/client"

	"flyball/internal/task"
	"flyball/internal/workload"
)

// A Login says what an engine pulls an image by, if that is not how the task definition
// names it, and with which user and password. It is not ok for images of other hosts,
// which are pulled as anybody may.
type Login func(ctx context.Context, image string) (pull, user, password string, ok bool)

// pulledName ends the names of images that were pulled here. Each has a tag of the
// runtime's own, as long as it is kept, which nobody else has set.
const pulledName = "/pulled"

// keptUnused is how long an image that was pulled is kept when no container has it.
// Source: Amazon ECS Developer Guide, "Automated task and image cleanup".
const keptUnused = time.Hour

// pulled are the images that were pulled for tasks.
type pulled struct {
	engine *client.Client
	name   string // of the tags that they have
	login  Login

	mu   sync.Mutex
	used map[string]time.Time // when an image was seen in use, by its ID
}

// A source is where an image is pulled from.
type source struct {
	named reference.Named
	auth  string
	ours  bool // it is in a registry of this server's
}

func (p *pulled) source(ctx context.Context, name string) (source, error) {
	var s source
	if p.login != nil {
		pull, user, password, ok := p.login(ctx, name)
		if ok {
			auth, err := authconfig.Encode(registry.AuthConfig{Username: user, Password: password})
			if err != nil {
				return s, err
			}
			name, s.auth, s.ours = pull, auth, true
		}
	}
	named, err := reference.ParseNormalizedNamed(name)
	if err != nil {
		return s, err
	}
	s.named = reference.TagNameOnly(named)
	return s, nil
}

// at is the reference of the source's image with a digest.
func (s source) at(digest string) string { return s.named.Name() + "@" + digest }

// resolve returns the digest of the image that a name stands for now. Images that the
// engine has by that name are run as they are, whether they have a digest or not, but for
// those of this server's registries.
func (p *pulled) resolve(ctx context.Context, name string) (string, error) {
	s, err := p.source(ctx, name)
	if err != nil {
		return "", err
	}
	if digested, ok := s.named.(reference.Digested); ok {
		return string(digested.Digest()), nil
	}
	if !s.ours {
		found, err := p.engine.ImageInspect(ctx, name)
		if err == nil {
			return s.digestOf(found.RepoDigests), nil
		}
		if !errdefs.IsNotFound(err) {
			return "", err
		}
	}
	told, err := p.engine.DistributionInspect(ctx, s.named.String(), client.DistributionInspectOptions{EncodedRegistryAuth: s.auth})
	if err == nil {
		return string(told.Descriptor.Digest), nil
	}
	// What the engine says of a pull is what ECS tells.
	found, err := p.pull(ctx, s.named.String(), s.auth)
	return s.digestOf(found.RepoDigests), err
}

// digestOf is the digest that an image has in the source's repository, or "".
func (s source) digestOf(digests []string) string {
	for _, text := range digests {
		named, err := reference.ParseNormalizedNamed(text)
		if digested, ok := named.(reference.Digested); err == nil && ok && named.Name() == s.named.Name() {
			return string(digested.Digest())
		}
	}
	return ""
}

// ensure makes sure that the engine has an image, by its digest if that is known, and
// returns the reference to make containers by.
func (p *pulled) ensure(ctx context.Context, name, digest string) (string, error) {
	if digest == "" {
		var err error
		if digest, err = p.resolve(ctx, name); err != nil {
			return "", err
		}
		if digest == "" {
			return name, nil
		}
	}
	s, err := p.source(ctx, name)
	if err != nil {
		return "", err
	}
	found, err := p.engine.ImageInspect(ctx, s.at(digest))
	if errdefs.IsNotFound(err) {
		found.InspectResponse, err = p.pull(ctx, s.at(digest), s.auth)
	}
	if err != nil {
		return "", err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.used[found.ID] = time.Now()
	return found.ID, nil
}

// pull pulls an image that the engine does not have, and gives it a tag of the runtime's.
func (p *pulled) pull(ctx context.Context, name, auth string) (imageapi.InspectResponse, error) {
	progress, err := p.engine.ImagePull(ctx, name, client.ImagePullOptions{RegistryAuth: auth})
	if err != nil {
		return imageapi.InspectResponse{}, err
	}
	defer progress.Close()
	if err := progress.Wait(ctx); err != nil {
		return imageapi.InspectResponse{}, err
	}
	found, err := p.engine.ImageInspect(ctx, name)
	if err != nil {
		return found.InspectResponse, err
	}
	_, err = p.engine.ImageTag(ctx, client.ImageTagOptions{Source: name, Target: p.name + ":" + strings.TrimPrefix(found.ID, "sha256:")})
	return found.InspectResponse, err
}

// sweep removes images that were pulled and that no container has had for a while. What
// others have named stays theirs.
func (p *pulled) sweep(ctx context.Context, now time.Time) error {
	images, err := p.engine.ImageList(ctx, client.ImageListOptions{Filters: client.Filters{}.Add("reference", p.name+":*")})
	if err != nil || len(images.Items) == 0 {
		return err
	}
	containers, err := p.engine.ContainerList(ctx, client.ContainerListOptions{All: true})
	if err != nil {
		return err
	}
	inUse := map[string]bool{}
	for _, c := range containers.Items {
		inUse[c.ImageID] = true
	}
	for _, i := range images.Items {
		if p.unused(i.ID, inUse[i.ID], now) {
			if err := p.remove(ctx, i.ID); err != nil {
				return fmt.Errorf("removing image %s: %w", i.ID, err)
			}
		}
	}
	return nil
}

// unused notes whether an image is in use, and tells whether it has not been for long.
func (p *pulled) unused(id string, inUse bool, now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	last, known := p.used[id]
	if inUse || !known {
		p.used[id] = now
		return false
	}
	if now.Sub(last) < keptUnused {
		return false
	}
	delete(p.used, id)
	return true
}

// remove removes the names by which the runtime has pulled an image, and the image with
// them, unless others have named it.
func (p *pulled) remove(ctx context.Context, id string) error {
	found, err := p.engine.ImageInspect(ctx, id)
	if err != nil {
		return err
	}
	names := found.RepoDigests
	for _, tag := range found.RepoTags {
		if strings.HasPrefix(tag, p.name+":") {
			names = append(names, tag)
		}
	}
	for _, name := range names {
		_, err := p.engine.ImageRemove(ctx, name, client.ImageRemoveOptions{PruneChildren: true})
		if err != nil && !errdefs.IsNotFound(err) && !errdefs.IsConflict(err) {
			return err
		}
	}
	return nil
}

// Pull fetches an image. It returns the digest, or "" for a program that comes with the
// runtime and for an image that only this machine has.
func (r *Runtime) Pull(ctx context.Context, name, digest string) (string, error) {
	if _, is := workload.BuiltIn(name); is || name == workload.Program {
		return "", nil
	}
	if digest == "" {
		var err error
		if digest, err = r.images.pulled.resolve(ctx, name); err != nil {
			return "", fmt.Errorf("%w: %w", task.ErrNoImage, err)
		}
	}
	_, err := r.images.ensure(ctx, name, digest)
	return digest, err
}

// sweepInterval is how often images are looked at, in real time.
const sweepInterval = 10 * time.Minute

// sweepImages removes images that are not used any more, until the runtime is closed.
func (r *Runtime) sweepImages() {
	ticker := time.NewTicker(sweepInterval)
	defer ticker.Stop()
	for {
		select {
		case <-r.life.Done():
			return
		case now := <-ticker.C:
			if err := r.images.pulled.sweep(r.life, now); err != nil && r.life.Err() == nil {
				r.log.Warn("images that are not used any more could not be removed", "error", err)
			}
		}
	}
}
