package ecs

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"flyball/internal/optional"
	"flyball/internal/state"
	runtime "flyball/internal/task"
)

// pullImages fetches the images that the containers of a task run. All tasks of a
// service's deployment run those that the first of them has found: what is pushed with
// the same tag is run by the next deployment (Amazon ECS Developer Guide, "Container
// image resolution").
func (a *API) pullImages(ctx context.Context, from runtime.Puller, t *task) error {
	digests, err := read(ctx, a, func() (map[string]string, error) { return maps.Clone(t.rollout().images()), nil })
	if err != nil {
		return err
	}
	if digests == nil {
		digests = map[string]string{}
	}
	for _, c := range t.definition.api.ContainerDefinitions { // which never change
		digest, err := from.Pull(ctx, *c.Image, digests[*c.Name])
		if err != nil {
			return err
		}
		digests[*c.Name] = digest
	}
	a.cell.State.Later(func(tx *state.Tx) {
		r := t.rollout()
		if r.resolve(t.definition, digests) {
			r.save(tx, t.service)
		}
		t.setContainers(func(c *types.Container) {
			// Another task may have been the first by now.
			digest := digests[*c.Name]
			if first, known := r.images()[*c.Name]; known {
				digest = first
			}
			c.ImageDigest = optional.String(digest)
		})
		t.save(tx)
	})
	return nil
}

// rollout is the service deployment that brought the task's revision; nil for a task
// of no service, and when that is forgotten.
func (t *task) rollout() *rollout {
	if t.service == nil {
		return nil
	}
	number := strings.TrimPrefix(t.deployment, "ecs-svc/")
	i := slices.IndexFunc(t.service.history, func(r *rollout) bool { return r.Target.Number == number })
	if i < 0 {
		return nil
	}
	return t.service.history[i]
}

// images are the digests of the revision's containers that are known.
func (r *rollout) images() map[string]string {
	if r == nil {
		return nil
	}
	return r.Images
}

// resolve notes the digests of a revision's containers, unless they are known. It says
// if there was something to note.
func (r *rollout) resolve(d *definition, digests map[string]string) bool {
	if r == nil {
		return false
	}
	known := maps.Clone(r.Images)
	for _, c := range d.api.ContainerDefinitions {
		digest := digests[*c.Name]
		if known[*c.Name] != "" || digest == "" || c.VersionConsistency == types.VersionConsistencyDisabled {
			continue
		}
		if known == nil {
			known = map[string]string{}
		}
		known[*c.Name] = digest
	}
	if len(known) == len(r.Images) {
		return false
	}
	r.Images = known
	return true
}

// containerImages are the images of a revision, with the digests that are known.
func (r *rollout) containerImages(d *definition) []types.ContainerImage {
	images := []types.ContainerImage{}
	for _, c := range d.api.ContainerDefinitions {
		images = append(images, types.ContainerImage{
			ContainerName: c.Name, Image: c.Image, ImageDigest: optional.String(r.Images[aws.ToString(c.Name)]),
		})
	}
	return images
}

// imageDigest is that of the image that a container of the task runs, "" until it is
// known.
func (t *task) imageDigest(container string) string {
	i := slices.IndexFunc(t.api.Containers, func(c types.Container) bool { return *c.Name == container })
	if i < 0 {
		return ""
	}
	return aws.ToString(t.api.Containers[i].ImageDigest)
}
