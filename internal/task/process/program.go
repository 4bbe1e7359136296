package process

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"flyball/internal/image"
	"flyball/internal/task"
)

// programs are what containers may run: commands of this machine, and images.
type programs struct {
	commands images
	images   *image.Store
	roots    *roots
}

func newPrograms(opts Options, dir string) (*programs, error) {
	commands, err := newImages(opts)
	if err != nil {
		return nil, err
	}
	store, err := image.Open(image.Options{Dir: filepath.Join(dir, "images"), Source: opts.Source, Limits: opts.Limits, Log: opts.Log})
	if err != nil {
		return nil, err
	}
	return &programs{commands, store, newRoots(store.Scratch, opts.Log)}, nil
}

// A program is what a container runs.
type program struct {
	argv  []string
	image *image.Image // whose files it has; nil is this machine's
}

// Pull fetches an image, and returns its digest.
func (r *Runtime) Pull(ctx context.Context, name, digest string) (string, error) {
	digest, err := r.programs.resolve(ctx, name, digest)
	if digest == "" || err != nil {
		return "", err
	}
	img, err := r.programs.use(ctx, name, digest)
	if err != nil {
		return "", err
	}
	img.Release() // it stays for a while
	return digest, nil
}

// resolve returns the digest that a name stands for, unless it is known, or "" if it
// stands for a command.
func (p *programs) resolve(ctx context.Context, name, known string) (string, error) {
	if _, is := p.commands.find(name); is {
		return "", nil
	}
	if known != "" {
		return known, nil
	}
	digest, err := p.images.Resolve(ctx, name)
	if err != nil {
		return "", p.missing(err)
	}
	return digest, nil
}

func (p *programs) use(ctx context.Context, name, digest string) (*image.Image, error) {
	img, err := p.images.Use(ctx, name, digest)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", task.ErrNoImage, err)
	}
	return img, nil
}

// missing is the error about an image that cannot be had.
func (p *programs) missing(err error) error {
	return fmt.Errorf("%w: %w. Push the image to a repository of this server's ECR and name that, or have a program of this machine run in its place: "+
		"flyball serve --image NAME=COMMAND. Without either there are %s",
		task.ErrNoImage, err, strings.Join(slices.Sorted(maps.Keys(p.commands)), ", "))
}

// resolveAll notes the digests of containers that have none yet.
func (p *programs) resolveAll(ctx context.Context, containers []task.Container) error {
	for i, c := range containers {
		digest, err := p.resolve(ctx, c.Image, c.Digest)
		if err != nil {
			return err
		}
		containers[i].Digest = digest
	}
	return nil
}

// of returns what each container runs. The images among it are in use until they are
// released.
func (p *programs) of(ctx context.Context, containers []task.Container) ([]program, error) {
	var found []program
	for _, c := range containers {
		one, err := p.find(ctx, c)
		if err != nil {
			release(found)
			return nil, err
		}
		found = append(found, one)
	}
	return found, nil
}

func release(all []program) {
	for _, p := range all {
		if p.image != nil {
			p.image.Release()
		}
	}
}

func (p *programs) find(ctx context.Context, c task.Container) (program, error) {
	if command, is := p.commands.find(c.Image); is {
		return program{argv: combine(c, command, nil)}, nil
	}
	img, err := p.use(ctx, c.Image, c.Digest)
	if err != nil {
		return program{}, err
	}
	argv := combine(c, img.Config.Entrypoint, img.Config.Cmd)
	if len(argv) == 0 {
		img.Release()
		return program{}, errors.New("CannotStartContainerError: no command specified: neither the task definition nor the image has one")
	}
	return program{argv, img}, nil
}

// combine is the command line of a container: its entry point takes the place of the
// image's, and of the image's command; its command takes that of the image's command.
func combine(c task.Container, entryPoint, command []string) []string {
	if len(c.EntryPoint) > 0 {
		entryPoint, command = c.EntryPoint, nil
	}
	if len(c.Command) > 0 {
		command = c.Command
	}
	return slices.Concat(entryPoint, command)
}
