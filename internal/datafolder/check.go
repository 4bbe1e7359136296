package datafolder

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"flyball/internal/broker"
	"flyball/internal/damage"
	"flyball/internal/image"
	"flyball/internal/logstore"
	"flyball/internal/registry"
	"flyball/internal/service/lambda/code"
	"flyball/internal/task/process"
)

// stores are what is checked, and where it is: a pattern below the data folder.
var stores = []struct {
	name, pattern string
	check         func(path string) (damage.Report, error)
}{
	{"state", "", checkState},
	{"queues", Queues + "/*/*", broker.Check},
	{"deliveries", Deliveries + "/*/*", broker.Check},
	{"log events", Logs + "/*/*", logstore.Check},
	{"registry", Registry, registry.Check},
	{"functions", Functions + "/*/*", code.Check},
	{"images", "images", image.Check},
	{"tasks", "", process.Check},
}

// Check looks at all that is in a data folder, whose lock the caller has, and reports on it
// store by store.
func Check(dir string) ([]damage.Report, error) {
	var reports []damage.Report
	for _, s := range stores {
		places, err := filepath.Glob(filepath.Join(dir, s.pattern))
		if err != nil {
			return nil, err
		}
		whole := damage.Report{Store: s.name}
		for _, place := range places {
			r, err := s.check(place)
			if err != nil {
				return nil, fmt.Errorf("check %s: %w", place, err)
			}
			below, err := filepath.Rel(dir, place)
			if err != nil {
				return nil, err
			}
			damage.Below(filepath.Join(strings.ReplaceAll(s.name, " ", "-"), below), r.Found)
			whole.Items, whole.Sound, whole.Found = r.Items, whole.Sound+r.Sound, append(whole.Found, r.Found...)
		}
		if whole.Items != "" {
			reports = append(reports, whole)
		}
	}
	return reports, nil
}

// Aside makes the folder that what is damaged in a data folder is moved to.
func Aside(dir string, now time.Time) (string, error) {
	aside := filepath.Join(dir, "damaged-"+now.UTC().Format("20060102T150405Z"))
	if err := os.Mkdir(aside, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", err
	}
	return aside, nil
}
