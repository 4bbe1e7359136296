package task

import "testing"

func TestTheHealthOfATaskIsThatOfItsEssentialCheckedContainers(t *testing.T) {
	type container struct {
		essential, checked bool
		health             Health
	}
	for _, tt := range []struct {
		name       string
		containers []container
		want       Health
	}{
		{"no checks", []container{{true, false, HealthUnknown}}, HealthUnknown},
		{"well", []container{{true, true, Healthy}}, Healthy},
		{"well, the other one is not checked", []container{{true, true, Healthy}, {true, false, HealthUnknown}}, Healthy},
		{"one is still being found out", []container{{true, true, Healthy}, {true, true, HealthUnknown}}, HealthUnknown},
		{"one is ill", []container{{true, true, HealthUnknown}, {true, true, Unhealthy}}, Unhealthy},
		{"one that is not essential is ill", []container{{true, true, Healthy}, {false, true, Unhealthy}}, Healthy},
		{"only one that is not essential is checked", []container{{false, true, Healthy}}, HealthUnknown},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var specs []Container
			for _, c := range tt.containers {
				spec := Container{Essential: c.essential}
				if c.checked {
					spec.HealthCheck = &HealthCheck{}
				}
				specs = append(specs, spec)
			}
			got := CombineHealth(specs, func(i int) Health { return tt.containers[i].health })
			if got != tt.want {
				t.Errorf("CombineHealth = %s, want %s", got, tt.want)
			}
		})
	}
}
