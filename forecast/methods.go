package forecast

import "fmt"

// A method forecasts a sample from each of its origins, or returns nil if the
// sample is too short for it.
type method struct {
	name     string
	log      bool    // works on logarithms, unless the series is signed
	blind    bool    // sees no season but the first
	plain    bool    // has no shape
	once     bool    // needs no back-test: plays with the longest season seen once
	credit   float64 // what its weight is multiplied with; 0: 1
	forecast func(*sample) [][]float64
}

// Credits of methods that others of the combination are like, and of those that see what no
// other does: what is alike would count several times.
const (
	less = 0.6
	more = 1.5
)

// driftName is that of the drift, which is trusted less than the last value.
const driftName = "drift"

// methods are the candidates for a series with these seasons.
func methods(seasons []int) []method {
	list := []method{
		{name: "lags", log: true, credit: less, forecast: lagRegression(false).forecast},
		{name: "lags additive", forecast: lagRegression(false).forecast},
		{name: "lags two weeks", log: true, forecast: lagRegression(true).forecast},
		{name: "harmonics", log: true, forecast: harmonics},
		{name: "smoothing", log: true, forecast: smooth},
		{name: "decomposition", log: true, credit: less, forecast: decompose},
		{name: "last value", blind: true, plain: true, forecast: naive(1)},
		{name: driftName, blind: true, plain: true, forecast: drift},
	}
	if len(seasons) == 0 {
		return append(list, method{name: "level", forecast: level})
	}
	list = append(list,
		method{name: "days like two", log: true, blind: true, forecast: analogs(2, 5)},
		method{name: "days like one", log: true, blind: true, credit: more, forecast: analogs(1, 3)})
	for i, s := range seasons {
		last := i == len(seasons)-1
		credit := less
		if last {
			credit = more
		}
		list = append(list, method{name: fmt.Sprintf("naive %d", s), blind: !last, once: last, credit: credit, forecast: naive(s)})
	}
	if len(seasons) == 1 {
		return list
	}
	list = append(list,
		method{name: "lags two days", log: true, blind: true, credit: more, forecast: dayRegression(0.1).forecast},
		method{name: "harmonics of the day", log: true, blind: true, forecast: dayRegression(0.3, 6).forecast})
	for _, s := range seasons[1:] {
		list = append(list, method{name: fmt.Sprintf("profile %d", s), log: true, credit: more, forecast: profile(s)})
	}
	return append(list, method{name: fmt.Sprintf("smoothing %d", seasons[0]), log: true, blind: true, forecast: func(s *sample) [][]float64 {
		day := *s
		day.seasons = s.seasons[:1]
		return smooth(&day)
	}})
}
