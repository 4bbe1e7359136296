package preset

import (
	"fmt"
	"strconv"

	"go.yaml.in/yaml/v4"

	"flyball/autoscaler"
	"flyball/autoscaler/hpa"
	"flyball/autoscaler/keda"
)

// A scaledObjectDocument is a ScaledObject of KEDA.
type scaledObjectDocument struct {
	Metadata struct{ Name string }
	Spec     struct {
		Polling         *float64 `yaml:"pollingInterval"`
		Cooldown        *float64 `yaml:"cooldownPeriod"`
		InitialCooldown *float64 `yaml:"initialCooldownPeriod"`
		Idle            *float64 `yaml:"idleReplicaCount"`
		Min             *float64 `yaml:"minReplicaCount"`
		Max             *float64 `yaml:"maxReplicaCount"`
		Advanced        struct {
			HPA struct {
				Behavior hpaBehavior
			} `yaml:"horizontalPodAutoscalerConfig"`
		}
		Triggers []kedaTrigger
	}
}

type kedaTrigger struct {
	Type, Name string
	MetricType string            `yaml:"metricType"`
	Metadata   map[string]scalar `yaml:"metadata"`
}

// scaledObject reads one of KEDA.
func scaledObject(n *yaml.Node) (p Preset, err error) {
	var d scaledObjectDocument
	if err := n.Decode(&d); err != nil {
		return p, err
	}
	p.Name = d.Metadata.Name
	most := d.Spec.Max
	if most == nil {
		most = new(100.0)
	}
	if p.Min, p.Max, err = replicas("minReplicaCount", d.Spec.Min, 0, "maxReplicaCount", most); err != nil {
		return p, err
	}
	spec := keda.Spec{}
	if err := d.times(&spec); err != nil {
		return p, err
	}
	if d.Spec.Idle != nil {
		if *d.Spec.Idle != 0 || *p.Min == 0 {
			return p, fmt.Errorf("idleReplicaCount is %v; KEDA takes 0, with a minReplicaCount above that", *d.Spec.Idle)
		}
		spec.Least, p.Min = int(*p.Min), new(int32(0))
	}
	if spec.HPA.Up, spec.HPA.Down, err = d.Spec.Advanced.HPA.Behavior.rules(); err != nil {
		return p, err
	}
	for i, t := range d.Spec.Triggers {
		one, note, err := t.read(i)
		if err != nil {
			return p, fmt.Errorf("trigger %d, %s: %w", i+1, t.Type, err)
		}
		if note != "" {
			p.Notes = append(p.Notes, note)
		}
		if one != nil {
			spec.Triggers = append(spec.Triggers, *one)
		}
	}
	if len(spec.Triggers) == 0 {
		return p, fmt.Errorf("it has no trigger that can be simulated; those of queues, prometheus, cpu and memory can")
	}
	p.Make = always(spec.New)
	return p, nil
}

// times reads the intervals of a ScaledObject.
func (d scaledObjectDocument) times(to *keda.Spec) error {
	for _, one := range []struct {
		v   *float64
		set func(float64) error
	}{
		{d.Spec.Polling, func(v float64) (err error) {
			to.Polling, err = seconds("pollingInterval", v, 1, 3600)
			return err
		}},
		{d.Spec.Cooldown, func(v float64) error {
			cooldown, err := seconds("cooldownPeriod", v, 0, 86400)
			to.Cooldown = &cooldown
			return err
		}},
		{d.Spec.InitialCooldown, func(v float64) (err error) {
			to.InitialCooldown, err = seconds("initialCooldownPeriod", v, 0, 86400)
			return err
		}},
	} {
		if one.v == nil {
			continue
		}
		if err := one.set(*one.v); err != nil {
			return err
		}
	}
	return nil
}

// A scaler is what a type of triggers has in its metadata.
type scaler struct {
	target, activation string
	otherwise          float64 // target where nothing is said; 0: it must be said
	metric             autoscaler.Metric
}

var scalers = map[string]scaler{
	"aws-sqs-queue":    {"queueLength", "activationQueueLength", 5, autoscaler.Concurrency}, // messages in hand count, too
	"rabbitmq":         {"value", "activationValue", 0, autoscaler.Queue},
	"kafka":            {"lagThreshold", "activationLagThreshold", 10, autoscaler.Queue},
	"apache-kafka":     {"lagThreshold", "activationLagThreshold", 10, autoscaler.Queue},
	"redis":            {"listLength", "activationListLength", 5, autoscaler.Queue},
	"redis-streams":    {"pendingEntriesCount", "activationLagCount", 5, autoscaler.Queue},
	"azure-queue":      {"queueLength", "activationQueueLength", 5, autoscaler.Queue},
	"azure-servicebus": {"messageCount", "activationMessageCount", 5, autoscaler.Queue},
	"gcp-pubsub":       {"value", "activationValue", 10, autoscaler.Queue},
	"nats-jetstream":   {"lagThreshold", "activationLagThreshold", 10, autoscaler.Queue},
}

// read reads a trigger; nil if it is left out, as a note says.
func (t kedaTrigger) read(place int) (*keda.Trigger, string, error) {
	name := t.Name
	if name == "" {
		name = "s" + strconv.Itoa(place) + "-" + t.Type
	}
	one := keda.Trigger{Metric: hpa.Metric{Kind: hpa.TotalAverage, Name: "external metric " + name}}
	s, note, err := t.scaler()
	if err != nil || s == nil {
		return nil, note, err
	}
	one.Metric.Metric, one.Target = s.metric, s.otherwise
	switch {
	case t.Type == "cpu" || t.Type == "memory":
		one.Metric = podMetric(s.metric, 0)
		if t.MetricType != "" && t.MetricType != "Utilization" {
			return nil, "", fmt.Errorf("its metricType is %s; Utilization can be simulated", t.MetricType)
		}
	case t.MetricType == "Value":
		one.Kind = hpa.Total
	}
	if text, given := t.Metadata[s.target]; given {
		if one.Target, err = text.above(s.target); err != nil {
			return nil, "", err
		}
	}
	if one.Target == 0 {
		return nil, "", fmt.Errorf("its metadata has no %s: write what there is to be for each replica, such as 5", s.target)
	}
	if text, given := t.Metadata[s.activation]; given {
		one.Activation, err = text.number(s.activation)
	}
	return &one, note, err
}

// scaler is what a trigger is of; nil if that cannot be simulated.
func (t kedaTrigger) scaler() (*scaler, string, error) {
	if s, known := scalers[t.Type]; known {
		switch {
		case t.Type == "aws-sqs-queue" && t.Metadata["scaleOnInFlight"] == "false":
			s.metric = autoscaler.Queue
		case t.Metadata["mode"] == "MessageRate":
			s.metric = autoscaler.Requests
		}
		return &s, "", nil
	}
	switch t.Type {
	case "cpu":
		return &scaler{"value", "activationValue", 0, autoscaler.CPU}, "", nil
	case "memory":
		return &scaler{"value", "activationValue", 0, autoscaler.Memory}, "", nil
	case "prometheus":
		m, note, err := metricOf(string(t.Metadata["query"]))
		return &scaler{"threshold", "activationThreshold", 0, m}, note, err
	case "aws-cloudwatch":
		m, note, err := metricOf(string(t.Metadata["metricName"]))
		return &scaler{"targetMetricValue", "activationTargetMetricValue", 0, m}, note, err
	}
	return nil, fmt.Sprintf("its trigger of the type %s is left out: it cannot be simulated", t.Type), nil
}
