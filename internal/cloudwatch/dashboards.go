package cloudwatch

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"flyball/internal/page"
	"flyball/internal/store"
)

// Limits of dashboards, from the API reference and the quotas.
const (
	maxDashboardBody = 1 << 20
	maxWidgets       = 500
	dashboardsPage   = 1000
)

// A dashboard is kept as its client wrote it. Nothing draws it.
type dashboard struct {
	name     string
	Body     string
	Modified time.Time
	Tags     []types.Tag `json:",omitempty"`
}

func (d *dashboard) put(b *store.Batch) { b.Put(kindDashboard, d.name, encode(d)) }

// dashboardARN is the ARN of a dashboard. Dashboards have no region.
func (a *API) dashboardARN(name string) string {
	return arn.ARN{Partition: "aws", Service: "cloudwatch", AccountID: a.Account, Resource: "dashboard/" + name}.String()
}

var dashboardName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,255}$`)

func invalidDashboard(path, format string, args ...any) error {
	message := fmt.Sprintf(format, args...)
	return &types.DashboardInvalidInputError{
		Message:                     &message,
		DashboardValidationMessages: []types.DashboardValidationMessage{{DataPath: &path, Message: &message}},
	}
}

// PutDashboard creates or replaces a dashboard.
func (a *API) PutDashboard(_ context.Context, in *cloudwatch.PutDashboardInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.PutDashboardOutput, error) {
	name, body := str(in.DashboardName), str(in.DashboardBody)
	if !dashboardName.MatchString(name) {
		return nil, invalidDashboard("DashboardName", "The value %s for field DashboardName contains invalid characters. It can only contain alphanumerics, dash (-) and underscore (_).", name)
	}
	if err := checkDashboard(body); err != nil {
		return nil, err
	}
	tags, err := newTags(in.Tags)
	if err != nil {
		return nil, err
	}
	d := &dashboard{name: name, Body: body, Modified: a.now(), Tags: tags}
	b := new(store.Batch)
	a.mu.Lock()
	if old := a.dashboards[name]; old != nil {
		d.Tags = old.Tags
	}
	a.dashboards[name] = d
	d.put(b)
	commit := a.Store.Write(b)
	a.mu.Unlock()
	if err := commit.Wait(); err != nil {
		return nil, internal(err)
	}
	return &cloudwatch.PutDashboardOutput{DashboardValidationMessages: []types.DashboardValidationMessage{}}, nil
}

// checkDashboard refuses a body that no console could draw: it must be a JSON
// object with widgets, each of which has a type and properties.
func checkDashboard(body string) error {
	if len(body) > maxDashboardBody {
		return invalidDashboard("", "The dashboard body must not be larger than 1 MB.")
	}
	var parsed struct {
		Widgets *[]struct {
			Type       string
			Properties json.RawMessage
		}
	}
	if err := json.Unmarshal([]byte(body), &parsed); err != nil {
		return invalidDashboard("", "Body is invalid JSON")
	}
	if parsed.Widgets == nil {
		return invalidDashboard("/", "Should have required property 'widgets'")
	}
	if len(*parsed.Widgets) > maxWidgets {
		return invalidDashboard("/widgets", "Should NOT have more than %d items", maxWidgets)
	}
	for i, w := range *parsed.Widgets {
		path := fmt.Sprintf("/widgets/%d", i)
		switch {
		case w.Type == "":
			return invalidDashboard(path, "Should have required property 'type'")
		case w.Properties == nil:
			return invalidDashboard(path, "Should have required property 'properties'")
		}
	}
	return nil
}

// GetDashboard shows a dashboard.
func (a *API) GetDashboard(_ context.Context, in *cloudwatch.GetDashboardInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.GetDashboardOutput, error) {
	name := str(in.DashboardName)
	if name == "" {
		return nil, invalidValue("The parameter DashboardName is required.")
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	d := a.dashboards[name]
	if d == nil {
		return nil, &types.DashboardNotFoundError{Message: ptr(fmt.Sprintf("Dashboard %s does not exist", name))}
	}
	return &cloudwatch.GetDashboardOutput{DashboardName: &name, DashboardArn: ptr(a.dashboardARN(name)), DashboardBody: ptr(d.Body)}, nil
}

// ListDashboards lists dashboards by name.
func (a *API) ListDashboards(_ context.Context, in *cloudwatch.ListDashboardsInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.ListDashboardsOutput, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	var found []string
	for _, name := range slices.Sorted(maps.Keys(a.dashboards)) {
		if strings.HasPrefix(name, str(in.DashboardNamePrefix)) {
			found = append(found, name)
		}
	}
	found, next, err := page.Of(found, func(name string) string { return name }, in.NextToken, dashboardsPage)
	if err != nil {
		return nil, invalidValue("The value for parameter NextToken is invalid.")
	}
	out := &cloudwatch.ListDashboardsOutput{DashboardEntries: []types.DashboardEntry{}, NextToken: next}
	for _, name := range found {
		d := a.dashboards[name]
		out.DashboardEntries = append(out.DashboardEntries, types.DashboardEntry{
			DashboardName: ptr(name), DashboardArn: ptr(a.dashboardARN(name)),
			LastModified: ptr(d.Modified), Size: ptr(int64(len(d.Body))),
		})
	}
	return out, nil
}

// DeleteDashboards deletes all the dashboards, or none if one does not exist.
func (a *API) DeleteDashboards(_ context.Context, in *cloudwatch.DeleteDashboardsInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.DeleteDashboardsOutput, error) {
	if len(in.DashboardNames) == 0 {
		return nil, invalidValue("Need at least 1 dashboard")
	}
	b := new(store.Batch)
	a.mu.Lock()
	var unknown []string
	for _, name := range in.DashboardNames {
		if a.dashboards[name] == nil {
			unknown = append(unknown, name)
		}
	}
	if len(unknown) > 0 {
		a.mu.Unlock()
		return nil, &types.DashboardNotFoundError{Message: ptr(fmt.Sprintf("The specified dashboard does not exist. [%s]", strings.Join(unknown, ", ")))}
	}
	for _, name := range in.DashboardNames {
		delete(a.dashboards, name)
		b.Delete(kindDashboard, name)
	}
	commit := a.Store.Write(b)
	a.mu.Unlock()
	if err := commit.Wait(); err != nil {
		return nil, internal(err)
	}
	return &cloudwatch.DeleteDashboardsOutput{}, nil
}
