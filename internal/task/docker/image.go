package docker

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"debug/elf"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/client"
	"golang.org/x/sync/singleflight"

	"flyball/internal/task"
	"flyball/internal/workload"
)

// labelProgram marks a built-in image with the program and command in it.
const labelProgram = "flyball.program"

// images provides the engine with images.
type images struct {
	engine     *client.Client
	executable string   // in the built-in images; "" is this program's
	args       []string // its arguments before the name of a built-in program
	once       *singleflight.Group
	pulled     *pulled
}

// ensure makes sure that the engine has an image, by its digest if that is known. It
// returns the reference to make containers by.
func (im images) ensure(ctx context.Context, image, digest string) (string, error) {
	reference, err, _ := im.once.Do(image+"@"+digest, func() (any, error) {
		if name, ok := workload.BuiltIn(image); ok {
			return im.build(ctx, name)
		}
		if image == workload.Program {
			return nil, errNoProgram
		}
		return im.pulled.ensure(ctx, image, digest)
	})
	if err != nil {
		return "", fmt.Errorf("%w: %w", task.ErrNoImage, err)
	}
	return reference.(string), nil
}

// errNoProgram is why a program of this machine does not run in a container.
var errNoProgram = errors.New("a container has no programs of this machine: build an image of yours, or have the server run tasks as processes (--runtime process)")

// build makes the image of a built-in program unless the engine has it, and
// returns its id. The image holds one file, FROM scratch.
func (im images) build(ctx context.Context, name string) (string, error) {
	program, err := im.open()
	if err != nil {
		return "", err
	}
	defer program.Close()
	entryPoint, err := json.Marshal(slices.Concat([]string{"/flyball"}, im.args, []string{name}))
	if err != nil {
		return "", err
	}
	content, err := contentOf(program, entryPoint)
	if err != nil {
		return "", err
	}

	reference := "flyball/" + name + ":latest"
	before, err := im.engine.ImageInspect(ctx, reference)
	if err != nil && !errdefs.IsNotFound(err) {
		return "", err
	}
	if err == nil && before.Config != nil && before.Config.Labels[labelProgram] == content {
		return before.ID, nil
	}
	if err := im.load(ctx, program, reference, []string{
		"ENTRYPOINT " + string(entryPoint),
		fmt.Sprintf("LABEL %s=%s", labelProgram, content),
	}); err != nil {
		return "", fmt.Errorf("making image %s: %w", reference, err)
	}
	if before.ID != "" {
		// That of another version of flyball. It stays while a container has it.
		_, _ = im.engine.ImageRemove(ctx, before.ID, client.ImageRemoveOptions{})
	}
	after, err := im.engine.ImageInspect(ctx, reference)
	return after.ID, err
}

// open opens the program for the built-in images, which has to run without any
// library beside it.
func (im images) open() (*os.File, error) {
	path := im.executable
	if path == "" {
		var err error
		if path, err = os.Executable(); err != nil {
			return nil, err
		}
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	if err := static(file); err != nil {
		_ = file.Close() // only read
		return nil, fmt.Errorf("the built-in images cannot be made of %s: %w", path, err)
	}
	return file, nil
}

// static says why a program cannot run alone in a Linux container.
func static(file io.ReaderAt) error {
	program, err := elf.NewFile(file)
	if err != nil {
		return fmt.Errorf("it is not a program for Linux: %w", err)
	}
	for _, p := range program.Progs {
		if p.Type == elf.PT_INTERP {
			return errors.New("it needs shared libraries; build it with CGO_ENABLED=0")
		}
	}
	return nil
}

// contentOf identifies what an image of the program is made of.
func contentOf(program io.ReadSeeker, entryPoint []byte) (string, error) {
	if _, err := program.Seek(0, io.SeekStart); err != nil {
		return "", err
	}
	hash := sha256.New()
	if _, err := io.Copy(hash, program); err != nil {
		return "", err
	}
	hash.Write(entryPoint)
	return hex.EncodeToString(hash.Sum(nil)), nil
}

// load gives the engine an image whose one file is the program.
func (im images) load(ctx context.Context, program *os.File, reference string, changes []string) error {
	reader, writer := io.Pipe()
	defer reader.Close()
	go func() { writer.CloseWithError(archive(writer, program)) }()
	result, err := im.engine.ImageImport(ctx, client.ImageImportSource{Source: reader, SourceName: "-"}, reference,
		client.ImageImportOptions{Changes: changes, Message: "made of flyball's own program"})
	if err != nil {
		return err
	}
	defer result.Close()
	return awaitImport(result)
}

// awaitImport reads the engine's progress messages until it is done.
func awaitImport(progress io.Reader) error {
	for messages := json.NewDecoder(progress); ; {
		var message struct{ Error string }
		switch err := messages.Decode(&message); {
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		case message.Error != "":
			return fmt.Errorf("the engine says: %s", message.Error)
		}
	}
}

// archive writes a root file system with nothing but the program.
func archive(w io.Writer, program *os.File) error {
	info, err := program.Stat()
	if err != nil {
		return err
	}
	if _, err := program.Seek(0, io.SeekStart); err != nil {
		return err
	}
	tw := tar.NewWriter(w)
	if err := tw.WriteHeader(&tar.Header{Name: "flyball", Mode: 0o755, Size: info.Size(), Typeflag: tar.TypeReg}); err != nil {
		return err
	}
	if _, err := io.Copy(tw, program); err != nil {
		return err
	}
	return tw.Close()
}
