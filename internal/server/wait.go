package server

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"

	"flyball/internal/client"
	"flyball/internal/resource"
	"flyball/internal/wire"
	"flyball/scaling"
)

// lookAgain is how often a service is looked at that is waited for on a clock that runs by itself.
const lookAgain = 50 * time.Millisecond

// waitFor waits until a service is as it is wanted, on the server's clock, which it moves if it is a manual
// one. It returns what the service is then.
func (s *Server) waitFor(ctx context.Context, v *services, want client.Wanted, within time.Duration) (client.Waited, error) {
	began := s.clock.Now()
	seen, err := v.see(ctx, want)
	if err != nil {
		return seen, err
	}
	if s.clock.IsManual() {
		moved := s.advance(ctx, within, func() bool {
			seen, err = v.see(ctx, want)
			return err != nil || seen.Met
		})
		if err == nil {
			err = moved
		}
	} else {
		for tick := time.NewTicker(lookAgain); err == nil && !seen.Met && s.clock.Now().Before(began.Add(within)); {
			select {
			case <-ctx.Done():
				tick.Stop()
				return seen, ctx.Err()
			case <-tick.C:
				seen, err = v.see(ctx, want)
			}
		}
	}
	if err != nil {
		return seen, err
	}
	if seen, err = v.see(ctx, want); err != nil {
		return seen, err
	}
	seen.Now, seen.Seconds = s.clock.Now(), s.clock.Now().Sub(began).Seconds()
	if !seen.Met {
		seen.Explanation, err = v.explain(ctx, want)
	}
	return seen, err
}

// see looks at a service.
func (v *services) see(ctx context.Context, want client.Wanted) (seen client.Waited, err error) {
	out, err := v.ecs.DescribeServices(ctx, &ecs.DescribeServicesInput{Cluster: &want.Cluster, Services: []string{want.Service}})
	if err != nil {
		return seen, err
	}
	if len(out.Services) == 0 || aws.ToString(out.Services[0].Status) == "INACTIVE" {
		return seen, fmt.Errorf("there is no service %s/%s in region %s", want.Cluster, want.Service, v.cell.Region)
	}
	found := out.Services[0]
	seen.Desired, seen.Running, seen.Pending = found.DesiredCount, found.RunningCount, found.PendingCount
	seen.Met = (want.Desired == nil || *want.Desired == seen.Desired) && (want.Running == nil || *want.Running == seen.Running)
	return seen, nil
}

// explain says why a service is as it is: what its target's alarms see and what was decided last, and what ECS
// has told last.
func (v *services) explain(ctx context.Context, of client.Wanted) (string, error) {
	id := scaling.ServiceID(of.Cluster, of.Service)
	var text strings.Builder
	if e, err := v.autoscaling.Explain(ctx, string(id)); err != nil {
		fmt.Fprintf(&text, "%v\n", err) // there is no target, say
	} else {
		fmt.Fprint(&text, e)
	}
	out, err := v.ecs.DescribeServices(ctx, &ecs.DescribeServicesInput{Cluster: &of.Cluster, Services: []string{of.Service}})
	if err != nil || len(out.Services) == 0 {
		return text.String(), err
	}
	fmt.Fprintln(&text, "events")
	for _, e := range out.Services[0].Events[:min(3, len(out.Services[0].Events))] {
		fmt.Fprintf(&text, "  %s %s\n", e.CreatedAt.UTC().Format(time.RFC3339), *e.Message)
	}
	return text.String(), nil
}

// serveWait waits for ?service= to have ?desired= or ?running= tasks, or both, for ?within= at most.
func (s *Server) serveWait(w http.ResponseWriter, r *http.Request, call wire.Call) {
	want, within, err := wanted(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	v, err := s.cellOf(r, call)
	if err != nil {
		writeError(w, err)
		return
	}
	waited, err := s.waitFor(r.Context(), v, want, within)
	if err == nil {
		err = s.state.Settle(r.Context())
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	writeJSON(w, waited)
}

func wanted(r *http.Request) (want client.Wanted, within time.Duration, err error) {
	service, err := resource.ParseService(r.FormValue("service"))
	if err != nil {
		return want, 0, fmt.Errorf("service=%q: give CLUSTER/SERVICE, such as demo/web", r.FormValue("service"))
	}
	want.Cluster, want.Service = service.Cluster, service.ID
	if within, err = time.ParseDuration(cmp.Or(r.FormValue("within"), "5m")); err != nil || within < 0 {
		return want, 0, fmt.Errorf("within=%q: give a duration, such as 90s or 5m", r.FormValue("within"))
	}
	for name, to := range map[string]**int32{"desired": &want.Desired, "running": &want.Running} {
		text := r.FormValue(name)
		if text == "" {
			continue
		}
		n, err := strconv.ParseInt(text, 10, 32)
		if err != nil || n < 0 {
			return want, 0, fmt.Errorf("%s=%q: give a number of tasks", name, text)
		}
		*to = aws.Int32(int32(n))
	}
	if want.Desired == nil && want.Running == nil {
		return want, 0, fmt.Errorf("give desired or running, or both: the number of tasks to wait for")
	}
	return want, within, nil
}
