package main

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"flyball/forecast"
)

// A holidays is a flag's dates, and those of the files that it names.
type holidays []forecast.Holiday

// String tells how many there are.
func (h *holidays) String() string {
	if len(*h) == 0 {
		return ""
	}
	return fmt.Sprintf("%d dates", len(*h))
}

// Set adds dates that commas separate, or those of a file.
func (h *holidays) Set(text string) error {
	for part := range strings.SplitSeq(text, ",") {
		part = strings.TrimSpace(part)
		date, err := forecast.ParseHoliday(part)
		if err == nil {
			*h = append(*h, date)
			continue
		}
		dates, fileErr := holidaysOf(part)
		switch {
		case errors.Is(fileErr, fs.ErrNotExist):
			return fmt.Errorf("%w; there is no file of this name either", err)
		case fileErr != nil:
			return fileErr
		}
		*h = append(*h, dates...)
	}
	return nil
}

// Type is how the value is named in help texts.
func (h *holidays) Type() string { return "dates" }

// holidaysOf reads a file with a date a line; what follows it, and lines that begin with #,
// are remarks.
func holidaysOf(path string) ([]forecast.Holiday, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var dates []forecast.Holiday
	lines := bufio.NewScanner(file)
	for n := 1; lines.Scan(); n++ {
		words := strings.FieldsFunc(lines.Text(), func(r rune) bool { return strings.ContainsRune(" \t,;", r) })
		if len(words) == 0 || strings.HasPrefix(words[0], "#") {
			continue
		}
		date, err := forecast.ParseHoliday(words[0])
		if err != nil {
			return nil, fmt.Errorf("%s, line %d: %w", path, n, err)
		}
		dates = append(dates, date)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return dates, nil
}
