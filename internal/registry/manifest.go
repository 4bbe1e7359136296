package registry

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// The media types of manifests that the registry takes.
const (
	DockerManifest = "application/vnd.docker.distribution.manifest.v2+json"
	DockerList     = "application/vnd.docker.distribution.manifest.list.v2+json"
	OCIManifest    = "application/vnd.oci.image.manifest.v1+json"
	OCIIndex       = "application/vnd.oci.image.index.v1+json"
)

// ErrManifest is wrapped by all that ParseManifest finds wrong.
var ErrManifest = errors.New("the manifest is invalid")

// ErrNoMediaType is returned for a manifest of which nobody says what it is.
var ErrNoMediaType = errors.New("image manifest mediatype not provided in manifest or parameter")

// A Manifest is what a manifest says.
type Manifest struct {
	MediaType    string
	ArtifactType string // what it declares, or else the media type of its configuration
	Config       Digest // empty for an index
	ConfigType   string // media type of the configuration
	Layers       []Layer
	Children     []Digest // manifests that an index names
	Subject      Digest   // empty if it refers to none
	Annotations  map[string]string
}

// A Layer is one that a manifest names.
type Layer struct {
	Digest    Digest
	MediaType string
	Elsewhere bool // it may be found at URLs of others only
}

// document is a manifest, or an index, as it is written.
type document struct {
	SchemaVersion int               `json:"schemaVersion"`
	MediaType     string            `json:"mediaType"`
	ArtifactType  string            `json:"artifactType"`
	Config        *descriptor       `json:"config"`
	Layers        []descriptor      `json:"layers"`
	Manifests     []descriptor      `json:"manifests"`
	Subject       *descriptor       `json:"subject"`
	Annotations   map[string]string `json:"annotations"`
}

// index is one that is answered.
type index struct {
	SchemaVersion int          `json:"schemaVersion"`
	MediaType     string       `json:"mediaType"`
	Manifests     []descriptor `json:"manifests"`
}

// descriptor names content.
type descriptor struct {
	MediaType    string            `json:"mediaType"`
	Digest       string            `json:"digest"`
	Size         int64             `json:"size"`
	ArtifactType string            `json:"artifactType,omitempty"`
	Annotations  map[string]string `json:"annotations,omitempty"`
}

// ParseManifest reads a manifest that is said to be of a media type, or of the one that
// it names itself if that is empty.
func ParseManifest(content []byte, mediaType string) (m Manifest, err error) {
	if len(content) > MaxManifest {
		return m, fmt.Errorf("%w: it has more than 4 MiB", ErrManifest)
	}
	var d document
	if err := json.Unmarshal(content, &d); err != nil || !utf8.Valid(content) {
		return m, fmt.Errorf("%w: Invalid JSON syntax", ErrManifest)
	}
	switch {
	case d.SchemaVersion != 2:
		return m, fmt.Errorf("%w: the schemaVersion is not 2", ErrManifest)
	case mediaType == "" && d.MediaType == "":
		return m, ErrNoMediaType
	case mediaType == "":
		mediaType = d.MediaType
	case d.MediaType != "" && d.MediaType != mediaType:
		return m, fmt.Errorf("%w: it says that its mediaType is %q", ErrManifest, d.MediaType)
	}
	m = Manifest{MediaType: mediaType, ArtifactType: d.ArtifactType, Annotations: d.Annotations}
	if d.Subject != nil {
		if m.Subject, err = ParseDigest(d.Subject.Digest); err != nil {
			return m, fmt.Errorf("%w: subject: %w", ErrManifest, err)
		}
	}
	switch mediaType {
	case DockerManifest, OCIManifest:
		err = m.takeLayers(d)
	case DockerList, OCIIndex:
		err = m.takeChildren(d)
	default:
		err = fmt.Errorf("%w: manifests of media type %q are not taken", ErrManifest, mediaType)
	}
	return m, err
}

func (m *Manifest) takeLayers(d document) (err error) {
	if d.Config == nil || d.Manifests != nil {
		return fmt.Errorf("%w: a manifest has a config and no manifests", ErrManifest)
	}
	if m.Config, err = ParseDigest(d.Config.Digest); err != nil {
		return fmt.Errorf("%w: config: %w", ErrManifest, err)
	}
	if m.ConfigType = d.Config.MediaType; m.ArtifactType == "" {
		m.ArtifactType = m.ConfigType
	}
	for _, l := range d.Layers {
		digest, err := ParseDigest(l.Digest)
		if err != nil {
			return fmt.Errorf("%w: layer: %w", ErrManifest, err)
		}
		m.Layers = append(m.Layers, Layer{digest, l.MediaType, elsewhere(l.MediaType)})
	}
	return nil
}

func (m *Manifest) takeChildren(d document) error {
	if d.Config != nil || d.Layers != nil {
		return fmt.Errorf("%w: an index has no config and no layers", ErrManifest)
	}
	for _, child := range d.Manifests {
		digest, err := ParseDigest(child.Digest)
		if err != nil {
			return fmt.Errorf("%w: manifest: %w", ErrManifest, err)
		}
		m.Children = append(m.Children, digest)
	}
	return nil
}

// elsewhere tells the media types of layers that may not be distributed by everybody.
func elsewhere(mediaType string) bool {
	return strings.HasPrefix(mediaType, "application/vnd.docker.image.rootfs.foreign.") ||
		strings.HasPrefix(mediaType, "application/vnd.oci.image.layer.nondistributable.")
}

// Names are the layers that the manifest needs: its configuration first.
func (m *Manifest) Names() (all []Layer) {
	if m.Config != "" {
		all = append(all, Layer{Digest: m.Config, MediaType: m.ConfigType})
	}
	for _, l := range m.Layers {
		if !l.Elsewhere {
			all = append(all, l)
		}
	}
	return all
}
