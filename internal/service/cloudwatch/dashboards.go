package cloudwatch

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"flyball/internal/cell"
	"flyball/internal/page"
	"flyball/internal/state"
)

// Limits of dashboards, from the API reference and the quotas.
const (
	maxDashboardBody = 1 << 20
	maxWidgets       = 500
	dashboardsPage   = 1000
)

// dashboards is the part of the service that dashboards are. Each is kept as its
// client wrote it; nothing draws it.
type dashboards struct {
	cell *cell.Cell
	rows *state.Table[dashboard] // by name
}

// A dashboard is the row of one.
type dashboard struct {
	Body     string
	Modified time.Time
	Tags     []types.Tag `json:",omitempty"`
}

// open loads the dashboards.
func (s *dashboards) open(c *cell.Cell) (err error) {
	s.cell = c
	s.rows, err = state.NewTable[dashboard](c.State, state.Kind{Name: "cloudwatch.dashboard", Version: 1})
	return err
}

const dashboardPrefix = "dashboard/"

// arn is the ARN of a dashboard. Dashboards have no region.
func (s *dashboards) arn(name string) string {
	return s.cell.GlobalARN("cloudwatch", dashboardPrefix+name)
}

// nameOf is the name in the ARN of a dashboard.
func (s *dashboards) nameOf(arn string) (name string, ok bool) {
	return strings.CutPrefix(arn, s.arn(""))
}

var dashboardName = regexp.MustCompile(`^[A-Za-z0-9_-]+$`) // and up to 255 characters

// invalidDashboard refuses a body for what is wrong with it, in the form of
// CloudWatch's message: a sentence and the list as JSON.
func invalidDashboard(found []types.DashboardValidationMessage) error {
	type problem struct {
		Path    string `json:"dataPath"`
		Message string `json:"message"`
	}
	problems := make([]problem, len(found))
	for i, m := range found {
		problems[i] = problem{aws.ToString(m.DataPath), aws.ToString(m.Message)}
	}
	list, err := json.MarshalIndent(problems, "", "  ")
	if err != nil {
		panic(err) // strings can be encoded
	}
	return &types.DashboardInvalidInputError{
		Message:                     new(fmt.Sprintf("The dashboard body is invalid, there are %d validation errors:\n%s", len(found), list)),
		DashboardValidationMessages: found,
	}
}

// PutDashboard creates or replaces a dashboard.
func (s *dashboards) PutDashboard(ctx context.Context, in *cloudwatch.PutDashboardInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.PutDashboardOutput, error) {
	name, body := aws.ToString(in.DashboardName), aws.ToString(in.DashboardBody)
	if len(name) > 255 || !dashboardName.MatchString(name) {
		return nil, invalidValue("The value for field DashboardName contains invalid characters. It can only contain alphanumerics, dash (-) and underscore (_).\n")
	}
	if err := checkDashboard(body); err != nil {
		return nil, err
	}
	tags, err := withTags(nil, in.Tags)
	if err != nil {
		return nil, err
	}
	d := dashboard{Body: body, Modified: s.cell.Clock.Now().Truncate(time.Millisecond), Tags: tagList(tags)}
	err = s.cell.State.Change(ctx, func(_ context.Context, tx *state.Tx) error {
		if old, ok := s.rows.Get(name); ok {
			d.Tags = old.Tags
		}
		s.rows.Put(tx, name, d)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &cloudwatch.PutDashboardOutput{DashboardValidationMessages: []types.DashboardValidationMessage{}}, nil
}

// checkDashboard refuses a body that no console could draw: it must be a JSON
// object with widgets, each of a known type, with properties, and in its place.
func checkDashboard(body string) error {
	if len(body) > maxDashboardBody {
		return &types.DashboardInvalidInputError{Message: new("The field DashboardBody must not be larger than 1 MB")}
	}
	var d map[string]json.RawMessage
	if err := json.Unmarshal([]byte(body), &d); err != nil || d == nil {
		return &types.DashboardInvalidInputError{Message: new("The field DashboardBody must be a valid JSON object")}
	}
	var c dashboardCheck
	var widgets []json.RawMessage
	switch err := json.Unmarshal(d["widgets"], &widgets); {
	case d["widgets"] == nil:
		c.refuse("", "Should have required property 'widgets'")
	case err != nil || widgets == nil:
		c.refuse("/widgets", "Should be array")
	case len(widgets) > maxWidgets:
		c.refuse("/widgets", fmt.Sprintf("Should NOT have more than %d items", maxWidgets))
	default:
		for i, w := range widgets {
			c.widget(fmt.Sprintf("/widgets/%d", i), w)
		}
	}
	if len(c.found) > 0 {
		return invalidDashboard(c.found)
	}
	return nil
}

// A dashboardCheck gathers what is wrong with a dashboard.
type dashboardCheck struct {
	found []types.DashboardValidationMessage
}

func (c *dashboardCheck) refuse(path, message string) {
	if len(c.found) < maxLines {
		c.found = append(c.found, types.DashboardValidationMessage{DataPath: &path, Message: &message})
	}
}

var widgetTypes = []string{"metric", "text", "log", "alarm", "explorer", "custom", "chart"}

// widget checks a widget, as in "Dashboard body structure and syntax" of the
// API reference; what its properties say is the console's matter.
func (c *dashboardCheck) widget(path string, body json.RawMessage) {
	var w map[string]any
	if err := json.Unmarshal(body, &w); err != nil || w == nil {
		c.refuse(path, "Should be object")
		return
	}
	for _, name := range [2]string{"type", "properties"} {
		if w[name] == nil {
			c.refuse(path, fmt.Sprintf("Should have required property '%s'", name))
		}
	}
	if kind, ok := w["type"].(string); w["type"] != nil && (!ok || !slices.Contains(widgetTypes, kind)) {
		c.refuse(path+"/type", "Should be equal to one of the allowed values")
	}
	if _, ok := w["properties"].(map[string]any); w["properties"] != nil && !ok {
		c.refuse(path+"/properties", "Should be object")
	}
	for _, at := range [4]struct {
		name      string
		low, high float64
	}{{"x", 0, 23}, {"y", 0, math.Inf(1)}, {"width", 1, 24}, {"height", 1, 1000}} {
		n, ok := w[at.name].(float64)
		switch {
		case w[at.name] == nil:
		case !ok || n != math.Trunc(n):
			c.refuse(path+"/"+at.name, "Should be integer")
		case n < at.low:
			c.refuse(path+"/"+at.name, fmt.Sprintf("Should be >= %v", at.low))
		case n > at.high:
			c.refuse(path+"/"+at.name, fmt.Sprintf("Should be <= %v", at.high))
		}
	}
}

// GetDashboard shows a dashboard.
func (s *dashboards) GetDashboard(ctx context.Context, in *cloudwatch.GetDashboardInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.GetDashboardOutput, error) {
	name := aws.ToString(in.DashboardName)
	if name == "" {
		return nil, invalidValue("The parameter DashboardName is required.")
	}
	var d dashboard
	var found bool
	s.cell.State.View(ctx, func() { d, found = s.rows.Get(name) })
	if !found {
		return nil, &types.DashboardNotFoundError{Message: new(fmt.Sprintf("Dashboard %s does not exist", name))}
	}
	return &cloudwatch.GetDashboardOutput{DashboardName: &name, DashboardArn: new(s.arn(name)), DashboardBody: &d.Body}, nil
}

// ListDashboards lists dashboards by name.
func (s *dashboards) ListDashboards(ctx context.Context, in *cloudwatch.ListDashboardsInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.ListDashboardsOutput, error) {
	out := &cloudwatch.ListDashboardsOutput{DashboardEntries: []types.DashboardEntry{}}
	var err error
	s.cell.State.View(ctx, func() {
		var names []string
		names, out.NextToken, err = page.Of(s.rows.Keys(aws.ToString(in.DashboardNamePrefix)), func(name string) string { return name }, in.NextToken, dashboardsPage)
		for _, name := range names {
			d, _ := s.rows.Get(name)
			out.DashboardEntries = append(out.DashboardEntries, types.DashboardEntry{
				DashboardName: &name, DashboardArn: new(s.arn(name)), LastModified: &d.Modified, Size: new(int64(len(d.Body))),
			})
		}
	})
	if err != nil {
		return nil, invalidValue("The value for parameter NextToken is invalid.")
	}
	return out, nil
}

// DeleteDashboards deletes all the dashboards, or none if one does not exist.
func (s *dashboards) DeleteDashboards(ctx context.Context, in *cloudwatch.DeleteDashboardsInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.DeleteDashboardsOutput, error) {
	if len(in.DashboardNames) == 0 {
		return nil, invalidValue("Need at least 1 dashboard")
	}
	err := s.cell.State.Change(ctx, func(_ context.Context, tx *state.Tx) error {
		var unknown []string
		for _, name := range in.DashboardNames {
			if _, ok := s.rows.Get(name); !ok {
				unknown = append(unknown, name)
			}
		}
		if len(unknown) > 0 {
			return &types.DashboardNotFoundError{Message: new(fmt.Sprintf("The specified dashboard does not exist. [%s]", strings.Join(unknown, ", ")))}
		}
		for _, name := range in.DashboardNames {
			s.rows.Delete(tx, name)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &cloudwatch.DeleteDashboardsOutput{}, nil
}
