package forecast

import "fmt"

// A method forecasts a sample from each of its origins, or returns nil if the
// sample is too short for it.
type method struct {
	name     string
	log      bool // works on logarithms, unless the series is signed
	forecast func(*sample) [][]float64
}

// methods are the candidates for a series with these seasons.
func methods(seasons []int) []method {
	list := []method{
		{"lags", true, lagRegression(false).forecast},
		{"lags additive", false, lagRegression(false).forecast},
		{"lags two weeks", true, lagRegression(true).forecast},
		{"harmonics", true, harmonicRegression().forecast},
		{"smoothing", true, smooth},
		{"decomposition", true, decompose},
	}
	if len(seasons) == 0 {
		return append(list, method{"level", false, level})
	}
	list = append(list,
		method{"days like two", true, analogs(2, 5)},
		method{"days like one", true, analogs(1, 3)})
	for _, s := range seasons {
		list = append(list, method{fmt.Sprintf("naive %d", s), false, naive(s)})
	}
	if len(seasons) == 1 {
		return list
	}
	for _, s := range seasons[1:] {
		list = append(list, method{fmt.Sprintf("profile %d", s), true, profile(s)})
	}
	return append(list, method{fmt.Sprintf("smoothing %d", seasons[0]), true, func(s *sample) [][]float64 {
		day := *s
		day.seasons = s.seasons[:1]
		return smooth(&day)
	}})
}
