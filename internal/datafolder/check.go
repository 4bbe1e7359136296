package datafolder

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
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

// A kind of store is what is checked, and where it is: a pattern below the data folder.
type kind struct {
	name, pattern string
	check         func(path string) (damage.Report, error)
}

// What there is in a data folder: what a backup has, and what it leaves out.
var (
	besideState = []kind{
		{"queues", Queues + "/*/*", broker.Check},
		{"deliveries", Deliveries + "/*/*", broker.Check},
		{"log events", Logs + "/*/*", logstore.Check},
		{"registry", Registry, registry.Check},
		{"functions", Functions + "/*/*", code.Check},
	}
	whole  = append([]kind{{"state", "", checkState}}, besideState...)
	stores = append(slices.Clip(whole), kind{"images", "images", image.Check}, kind{"tasks", "", process.Check})
)

// Check looks at all that is in a data folder, whose lock the caller has, and reports on it
// store by store.
func Check(dir string) ([]damage.Report, error) {
	var reports []damage.Report
	for _, of := range stores {
		r, err := of.look(dir)
		if err != nil {
			return nil, err
		}
		if r.Items != "" {
			reports = append(reports, r)
		}
	}
	return reports, nil
}

// look checks all stores of a kind. Where there is none, the report has no items.
func (k kind) look(dir string) (all damage.Report, err error) {
	all.Store = k.name
	places, err := filepath.Glob(filepath.Join(dir, k.pattern))
	if err != nil {
		return all, err
	}
	for _, place := range places {
		r, err := k.check(place)
		if err != nil {
			return all, fmt.Errorf("check %s: %w", place, err)
		}
		below, err := filepath.Rel(dir, place)
		if err != nil {
			return all, err
		}
		damage.Below(filepath.Join(strings.ReplaceAll(k.name, " ", "-"), below), r.Found)
		all.Items, all.Sound, all.Found = r.Items, all.Sound+r.Sound, append(all.Found, r.Found...)
	}
	return all, nil
}

// Aside makes the folder that what is damaged in a data folder is moved to.
func Aside(dir string, now time.Time) (string, error) {
	aside := filepath.Join(dir, "damaged-"+now.UTC().Format("20060102T150405Z"))
	if err := os.Mkdir(aside, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", err
	}
	return aside, nil
}
