// Package policydoc reads scalable targets, their policies, scheduled actions and alarms
// from documents as people have them: what the AWS CLI prints, what Terraform shows,
// CloudFormation templates, and small files that people write by hand.
package policydoc

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"go.yaml.in/yaml/v4"

	"flyball/internal/preset"
)

// Documents are what some documents say, in the SDK's types.
type Documents struct {
	Targets  []types.ScalableTarget
	Policies []types.ScalingPolicy
	Actions  []types.ScheduledAction
	Alarms   []cwtypes.MetricAlarm
	Services []Service
	// Tags are those of targets, by their resources. Flyball's own among them change how a
	// target's policies react and forecast.
	Tags map[string]map[string]string
	// Autoscalers are those that are not AWS's. One of them decides in the place of policies.
	Autoscalers []preset.Preset
	// Parameters are the names that Options.Parameters can give values to.
	Parameters []string
	// Notes are what a document has that is left out, in a sentence each.
	Notes []string

	listed bool // there is a list, if an empty one
}

// A Service is what a document says of an ECS service, beside its scaling.
type Service struct {
	ResourceID string // such as service/shop/web
	Desired    int
	CPU        int // of a task, in units: 1024 are a processor; 0: not known
	Memory     int // of a task, in MiB; 0: not known
}

// MaxBytes bounds a document.
const MaxBytes = 64 << 20

// ErrNothing says that a document has nothing that is read here.
var ErrNothing = errors.New("it has no scalable target, scaling policy, scheduled action or alarm; " +
	"give what aws application-autoscaling describe-scalable-targets, describe-scaling-policies or describe-scheduled-actions, " +
	"aws cloudwatch describe-alarms or terraform show -json print, a CloudFormation template, or a file of policies (flyball schema prints its schema); " +
	"of other autoscalers a HorizontalPodAutoscaler, ScaledObject or Service of Knative, or a job of Nomad in JSON")

// errNoneThere is the ErrNothing of a server.
var errNoneThere error = noneThere{}

type noneThere struct{}

// Error says how a server comes to have some.
func (noneThere) Error() string {
	return "it has no scalable target, scaling policy, scheduled action or alarm in this region and account; " +
		"look at another with --region, or have flyball run, Terraform or the aws CLI make some"
}

// Is has it be the error of other documents, too.
func (noneThere) Is(err error) bool { return err == ErrNothing }

// ErrNone is the ErrNothing of a document that lists what there is of a kind, and there is none.
var ErrNone = fmt.Errorf("its list is empty: %w", ErrNothing)

// Options are what documents do not say of themselves.
type Options struct {
	// Parameters are values of the parameters of CloudFormation templates, by their names, and
	// of what templates import.
	Parameters map[string]string
	Region     string // us-east-1 by default
	Account    string // 123456789012 by default
}

// Read reads a document of any kind that is known.
func Read(r io.Reader) (Documents, error) { return Options{}.Read(r) }

// Read reads a document of any kind that is known: JSON values, one after the other, or YAML.
func (o Options) Read(r io.Reader) (Documents, error) {
	text, err := io.ReadAll(io.LimitReader(r, MaxBytes+1))
	switch {
	case err != nil:
		return Documents{}, err
	case len(text) > MaxBytes:
		return Documents{}, fmt.Errorf("the document is larger than %d MiB", MaxBytes>>20)
	}
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	read := o.readYAML
	if begin := bytes.TrimLeft(text, " \t\r\n"); len(begin) > 0 && (begin[0] == '{' || begin[0] == '[') {
		read = o.readJSON
	}
	all, err := read(text)
	switch {
	case err != nil:
		return Documents{}, err
	case all.empty() && all.listed:
		return Documents{}, ErrNone
	case all.empty():
		return Documents{}, ErrNothing
	}
	return all, nil
}

// readJSON reads JSON values, one after the other.
func (o Options) readJSON(text []byte) (all Documents, err error) {
	values := json.NewDecoder(bytes.NewReader(text))
	for {
		var raw json.RawMessage
		err := values.Decode(&raw)
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return all, placed(text, values.InputOffset(), err)
		}
		one, err := o.readValue(text, raw, values.InputOffset())
		if err != nil {
			return all, err
		}
		all.Add(one)
	}
}

// readValue reads the JSON value that ends at an offset of a text.
func (o Options) readValue(text []byte, raw json.RawMessage, end int64) (Documents, error) {
	var kinds struct {
		FormatVersion string `json:"format_version"`
	}
	if json.Unmarshal(raw, &kinds) == nil && kinds.FormatVersion != "" {
		return readTerraform(raw)
	}
	tree, err := readJSONTree(text, raw, end)
	if err != nil {
		return Documents{}, err
	}
	return o.readTree(tree)
}

// readYAML reads the documents of a YAML stream.
func (o Options) readYAML(text []byte) (all Documents, err error) {
	trees, err := yamlTrees(text)
	if err != nil {
		return all, err
	}
	for _, tree := range trees {
		one, err := o.readTree(tree)
		if err != nil {
			return all, err
		}
		all.Add(one)
	}
	return all, nil
}

// readTree reads a value by what it has.
func (o Options) readTree(n *yaml.Node) (Documents, error) {
	switch {
	case isTemplate(n):
		return o.readTemplate(n)
	case isPolicyFile(n):
		return readPolicyFile(n)
	}
	if all, known, err := preset.FromTree(n); known {
		return Documents{Autoscalers: all}, err
	}
	return readDescribed(n)
}

// placed is an error of JSON with its line and column.
func placed(text []byte, at int64, err error) error {
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		at = syntax.Offset - 1
	}
	before := text[:min(max(at, 0), int64(len(text)))]
	line := 1 + bytes.Count(before, []byte("\n"))
	column := len(before) - bytes.LastIndexByte(before, '\n')
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("line %d: it ends in the middle of a JSON value; save the whole of what was printed", 1+bytes.Count(text, []byte("\n")))
	}
	return fmt.Errorf("line %d, column %d: it is not JSON: %w", line, column, err)
}

// Add adds what other documents say.
func (d *Documents) Add(o Documents) {
	d.Targets = append(d.Targets, o.Targets...)
	d.Policies = append(d.Policies, o.Policies...)
	d.Actions = append(d.Actions, o.Actions...)
	d.Alarms = append(d.Alarms, o.Alarms...)
	d.Services = append(d.Services, o.Services...)
	d.Notes = append(d.Notes, o.Notes...)
	d.Autoscalers = append(d.Autoscalers, o.Autoscalers...)
	d.Parameters = append(d.Parameters, o.Parameters...)
	d.listed = d.listed || o.listed
	for resource, tags := range o.Tags {
		d.tag(resource, tags)
	}
}

// tag adds tags of a target.
func (d *Documents) tag(resource string, tags map[string]string) {
	if len(tags) == 0 {
		return
	}
	all := maps.Clone(d.Tags)
	if all == nil {
		all = map[string]map[string]string{}
	}
	of := maps.Clone(all[resource])
	if of == nil {
		of = map[string]string{}
	}
	maps.Copy(of, tags)
	all[resource], d.Tags = of, all
}

func (d Documents) empty() bool {
	return len(d.Targets)+len(d.Policies)+len(d.Actions)+len(d.Alarms)+len(d.Autoscalers) == 0
}

// Resources are the resources that there is a target or a policy of, in order.
func (d Documents) Resources() []string {
	var ids []string
	for _, t := range d.Targets {
		ids = append(ids, aws.ToString(t.ResourceId))
	}
	for _, p := range d.Policies {
		ids = append(ids, aws.ToString(p.ResourceId))
	}
	slices.Sort(ids)
	return slices.DeleteFunc(slices.Compact(ids), func(id string) bool { return id == "" })
}

// Of is what the documents say of one resource. Alarms are of all.
func (d Documents) Of(resource string) Documents {
	one := Documents{Alarms: d.Alarms, Notes: d.Notes, Autoscalers: d.Autoscalers}
	one.tag(resource, d.Tags[resource])
	for _, t := range d.Targets {
		if aws.ToString(t.ResourceId) == resource {
			one.Targets = append(one.Targets, t)
		}
	}
	for _, p := range d.Policies {
		if aws.ToString(p.ResourceId) == resource {
			one.Policies = append(one.Policies, p)
		}
	}
	for _, a := range d.Actions {
		if aws.ToString(a.ResourceId) == resource {
			one.Actions = append(one.Actions, a)
		}
	}
	for _, s := range d.Services {
		if strings.EqualFold(s.ResourceID, resource) {
			one.Services = append(one.Services, s)
		}
	}
	return one
}
