package autoscaling

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"

	"flyball/scaling"
)

const scaler = "arn:aws:iam::123456789012:role/scaler"

// oneRole is an account with the role scaler, which lacks what a test says. It
// remembers what was judged.
type oneRole struct {
	lacks  map[string]bool // operations
	trust  bool
	made   []string
	judged []string
}

func (r *oneRole) EnsureLinkedRole(_ context.Context, service string) error {
	r.made = append(r.made, service)
	return nil
}

func (r *oneRole) Lacks(_ context.Context, u RoleUse) (lack Lack, err error) {
	if u.Role != scaler {
		return Lack{Absent: true}, nil
	}
	if !r.trust {
		lack.Trust = u.As
	}
	for _, c := range u.Calls {
		resources := []string{web}
		if in, ok := c.Input.(*cloudwatch.DescribeAlarmsInput); ok {
			resources = in.AlarmNames
		}
		for _, resource := range resources {
			r.judged = append(r.judged, c.Operation+" "+resource)
			if r.lacks[c.Operation] {
				lack.Denied = append(lack.Denied, Denied{c.Service + ":" + c.Operation, resource, "because the test says so"})
			}
		}
	}
	return lack, nil
}

// withRole runs a test where there is the role scaler, which lacks nothing yet.
func withRole(t *testing.T, test func(*world, *oneRole)) {
	t.Helper()
	inWorld(t, func(w *world) {
		roles := &oneRole{trust: true, lacks: map[string]bool{}}
		w.roles = roles
		w.restart()
		test(w, roles)
	})
}

func (w *world) registerWith(role *string) error {
	_, err := w.RegisterScalableTarget(w.ctx, registration(func(in *applicationautoscaling.RegisterScalableTargetInput) { in.RoleARN = role }))
	return err
}

func TestTheRoleOfATargetIsJudgedWhenItIsRegistered(t *testing.T) {
	const cannot = "The role " + scaler + " cannot be used to scale " + web + "."
	const noTrust = " Its trust policy does not allow sts:AssumeRole to application-autoscaling.amazonaws.com or ecs.application-autoscaling.amazonaws.com."
	const describe = "ecs:DescribeServices on resource: " + web + " because the test says so"
	const update = "ecs:UpdateService on resource: " + web + " because the test says so"
	for name, c := range map[string]struct {
		role  string
		trust bool
		lacks []string
		want  string
	}{
		"that allows all":              {scaler, true, []string{"DescribeAlarms"}, ""},
		"that does not exist":          {"arn:aws:iam::123456789012:role/other", true, nil, "The role arn:aws:iam::123456789012:role/other does not exist."},
		"that does not trust":          {scaler, false, nil, cannot + noTrust},
		"without a permission":         {scaler, true, []string{"UpdateService"}, cannot + " It is not authorized to perform: " + update + "."},
		"without anything that counts": {scaler, false, []string{"DescribeServices", "UpdateService"}, cannot + noTrust + " It is not authorized to perform: " + describe + "; " + update + "."},
	} {
		t.Run(name, func(t *testing.T) {
			withRole(t, func(w *world, roles *oneRole) {
				roles.trust = c.trust
				for _, operation := range c.lacks {
					roles.lacks[operation] = true
				}
				err := w.registerWith(&c.role)
				if c.want == "" {
					if got := w.described(); err != nil || *got.RoleARN != scaler {
						t.Errorf("got %s, %v", *got.RoleARN, err)
					}
					return
				}
				wantError(t, err, "ValidationException", c.want)
				if len(w.rows.targets) > 0 {
					t.Error("the target is there all the same")
				}
			})
		})
	}
}

func TestTheLinkedRoleIsMadeAndNotJudged(t *testing.T) {
	for name, role := range map[string]*string{
		"by default": nil,
		"by its ARN": aws.String("arn:aws:iam::123456789012:role/aws-service-role/" + linkedService(scaling.Services) + "/AWSServiceRoleForApplicationAutoScaling_ECSService"),
	} {
		t.Run(name, func(t *testing.T) {
			withRole(t, func(w *world, roles *oneRole) {
				roles.trust = false
				if err := w.registerWith(role); err != nil {
					t.Fatal(err)
				}
				p := w.put(tracking("cpu", types.TargetTrackingScalingPolicyConfiguration{}))
				if err := w.alarm(*p.Alarms[0].AlarmName, *p.PolicyARN, 100); err != nil {
					t.Error(err)
				}
				w.wantDesired(20)
				if !slices.Equal(roles.made, []string{linkedService(scaling.Services)}) || len(roles.judged) > 0 {
					t.Errorf("made for %q, judged %q", roles.made, roles.judged)
				}
			})
		})
	}
}

// A target that is changed keeps its role, which has to allow what it allowed.
func TestAKeptRoleIsJudgedAgain(t *testing.T) {
	withRole(t, func(w *world, roles *oneRole) {
		if err := w.registerWith(aws.String(scaler)); err != nil {
			t.Fatal(err)
		}
		roles.lacks["UpdateService"] = true
		if err := w.registerWith(nil); err == nil || !strings.Contains(err.Error(), "ecs:UpdateService") {
			t.Errorf("got %v", err)
		}
	})
}

func TestThePoliciesOwnAlarmsAreJudgedWhenItIsPut(t *testing.T) {
	withRole(t, func(w *world, roles *oneRole) {
		if err := w.registerWith(aws.String(scaler)); err != nil {
			t.Fatal(err)
		}
		roles.lacks["DescribeAlarms"] = true
		_, err := w.PutScalingPolicy(w.ctx, tracking("cpu", types.TargetTrackingScalingPolicyConfiguration{}))
		for _, side := range []string{"High", "Low"} {
			if err == nil || !strings.Contains(err.Error(), "monitoring:DescribeAlarms on resource: TargetTracking-"+web+"-Alarm"+side+"-") {
				t.Errorf("got %v", err)
			}
		}
		if len(w.lookup(w.ctx, web).policies) > 0 {
			t.Error("the policy is there all the same")
		}
		w.put(add2("step")) // whose alarms are not known
	})
}

func TestWhatIsTakenAwayFailsTheNextActivity(t *testing.T) {
	withRole(t, func(w *world, roles *oneRole) {
		if err := w.registerWith(aws.String(scaler)); err != nil {
			t.Fatal(err)
		}
		p := w.put(add2("step"))
		w.userAlarm("busy", *p.PolicyARN)
		roles.judged = nil
		for operation, resource := range map[string]string{"UpdateService": web, "DescribeServices": web, "DescribeAlarms": "busy"} {
			time.Sleep(time.Minute)
			roles.lacks = map[string]bool{operation: true}
			if err := w.alarm("busy", *p.PolicyARN, 60); err == nil {
				t.Error("the alarm's action has not failed")
			}
			w.wantDesired(10)
			a := w.activities(true)[0]
			want := ":" + operation + " on resource: " + resource
			if a.StatusCode != types.ScalingActivityStatusCodeFailed || !strings.Contains(*a.StatusMessage, "Failed to set desired count to 12. Reason: The role "+scaler) || !strings.Contains(*a.StatusMessage, want) {
				t.Errorf("without %s: %s, %s", operation, a.StatusCode, *a.StatusMessage)
			}
		}
		if want := []string{"DescribeServices " + web, "UpdateService " + web, "DescribeAlarms busy"}; !slices.Equal(roles.judged[:3], want) {
			t.Errorf("judged was %q, want %q", roles.judged[:3], want)
		}

		// What is given back is used at once: nothing is remembered of the failures.
		roles.lacks = nil
		if err := w.alarm("busy", *p.PolicyARN, 60); err != nil {
			t.Error(err)
		}
		w.wantDesired(12)
		if got := w.kept("step"); got == (scaling.Cooldown{}) {
			t.Error("no cooldown after the activity")
		}
	})
}

// A schedule needs no alarm, and so no permission to read one.
func TestAScheduleIsJudgedByTheServiceAlone(t *testing.T) {
	withRole(t, func(w *world, roles *oneRole) {
		if err := w.registerWith(aws.String(scaler)); err != nil {
			t.Fatal(err)
		}
		roles.judged = nil
		roles.lacks = map[string]bool{"DescribeAlarms": true}
		_, err := w.RegisterScalableTarget(w.ctx, &applicationautoscaling.RegisterScalableTargetInput{
			ServiceNamespace: types.ServiceNamespaceEcs, ResourceId: aws.String(web), ScalableDimension: types.ScalableDimensionECSServiceDesiredCount, MinCapacity: aws.Int32(12),
		})
		if err != nil {
			t.Fatal(err)
		}
		w.wantDesired(12)
	})
}
