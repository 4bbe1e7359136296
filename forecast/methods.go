package forecast

import "slices"

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
		{"lags", true, lagRegression(2, false).forecast},
		{"lags additive", false, lagRegression(2, false).forecast},
		{"lags two weeks", true, lagRegression(2, true).forecast},
		{"harmonics", true, harmonicRegression.forecast},
		{"smoothing", true, smooth},
		{"decomposition", true, decompose},
		{"level", false, level},
	}
	if len(seasons) == 0 {
		return list
	}
	list = append(list, method{"days like two", true, analogs(2, 5)}, method{"days like one", true, analogs(1, 3)})
	for i, s := range seasons {
		list = append(list, method{"naive", false, naive(s)})
		if i > 0 {
			list = append(list, method{"profile", true, profile(s)})
		}
	}
	if len(seasons) > 1 {
		list = append(list, method{"smoothing daily", true, func(s *sample) [][]float64 {
			day := *s
			day.seasons = s.seasons[:1]
			return smooth(&day)
		}})
	}
	return slices.Clip(list)
}
