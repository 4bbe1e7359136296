package console

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"

	"flyball/internal/report"
	"flyball/internal/status"
	"flyball/scaling"
)

// forecastPanel is the capacity that a predictive policy has forecast, beside what ran. One
// without a forecast has no panel: what it lacks is told among the needs of the service.
func forecastPanel(v *visit, id scaling.ResourceID, p status.Policy, run report.Run, w window) panel {
	kind := id.Kind()
	out, err := v.Client.AutoScaling.GetPredictiveScalingForecast(v.r.Context(), &applicationautoscaling.GetPredictiveScalingForecastInput{
		ServiceNamespace: types.ServiceNamespace(kind.Namespace()), ScalableDimension: types.ScalableDimension(kind.Dimension()),
		ResourceId: aws.String(string(id)), PolicyName: &p.Name, StartTime: aws.Time(w.From.Truncate(time.Hour)), EndTime: &w.To,
	})
	if err != nil || out.CapacityForecast == nil {
		return panel{}
	}
	var forecast []report.Datapoint
	for i, at := range out.CapacityForecast.Timestamps {
		forecast = append(forecast, report.Datapoint{At: at, Value: out.CapacityForecast.Values[i]})
	}
	one := panel{ID: "forecast-" + p.Name, Title: p.Name, Unit: p.Rule, Steps: true}
	one.draw(map[string][]report.Datapoint{"forecast capacity": forecast, "running": run.Running},
		[]series{{Label: "forecast capacity", Role: "desired"}, {Label: "running", Role: "good"}})
	return one
}
