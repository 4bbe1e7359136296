package awslogs

import (
	"cmp"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// A Destination is where a container's log goes, and how.
type Destination struct {
	Group       string
	Region      string
	Stream      string
	CreateGroup bool           // the group is made if there is none
	Blocking    bool           // nothing is left out, however far behind
	Buffer      int64          // bytes that may wait to be put unless Blocking
	Begins      *regexp.Regexp // matches the first line of an event; nil: every line is one
}

// The options of the driver (Amazon ECS Developer Guide, "Send Amazon ECS logs to
// CloudWatch").
const (
	OptionGroup            = "awslogs-group"
	OptionRegion           = "awslogs-region"
	OptionStreamPrefix     = "awslogs-stream-prefix"
	OptionCreateGroup      = "awslogs-create-group"
	OptionDatetimeFormat   = "awslogs-datetime-format"
	OptionMultilinePattern = "awslogs-multiline-pattern"
	OptionMode             = "mode"
	OptionMaxBufferSize    = "max-buffer-size"
)

// Options are all of them, in the order of their names.
func Options() []string {
	return []string{
		OptionCreateGroup, OptionDatetimeFormat, OptionGroup, OptionMultilinePattern, OptionRegion, OptionStreamPrefix,
		OptionMaxBufferSize, OptionMode,
	}
}

// The modes of delivery.
const (
	Blocking    = "blocking"
	NonBlocking = "non-blocking"
)

// defaultBuffer is what may wait to be put where no option says how much.
const defaultBuffer = 10 << 20

// ParseOptions reads a container's options. Mode is the mode of those that name none.
// The errors are those of the driver in Docker.
func ParseOptions(options map[string]string, mode, container, taskID, containerID string) (Destination, error) {
	to := Destination{
		Group:       options[OptionGroup],
		Region:      options[OptionRegion],
		Stream:      containerID,
		CreateGroup: options[OptionCreateGroup] == "true",
		Blocking:    cmp.Or(options[OptionMode], mode) == Blocking,
		Buffer:      defaultBuffer,
	}
	if prefix := options[OptionStreamPrefix]; prefix != "" {
		to.Stream = prefix + "/" + container + "/" + taskID
	}
	if size := options[OptionMaxBufferSize]; size != "" {
		n, ok := parseSize(size)
		if !ok {
			return to, fmt.Errorf("error parsing option %s: invalid size: '%s'", OptionMaxBufferSize, size)
		}
		to.Buffer = n
	}
	var err error
	to.Begins, err = firstLine(options[OptionDatetimeFormat], options[OptionMultilinePattern])
	return to, err
}

// firstLine is the pattern of the first line of an event, or nil.
func firstLine(datetime, pattern string) (*regexp.Regexp, error) {
	if datetime != "" && pattern != "" {
		return nil, fmt.Errorf("you cannot configure log opt '%s' and '%s' at the same time", OptionDatetimeFormat, OptionMultilinePattern)
	}
	option := OptionMultilinePattern
	if datetime != "" {
		option, pattern = OptionDatetimeFormat, datetimePattern(datetime)
	}
	if pattern == "" {
		return nil, nil
	}
	begins, err := regexp.Compile(pattern)
	if err != nil {
		return nil, fmt.Errorf("awslogs could not parse %s '%s': %w", option, pattern, err)
	}
	return begins, nil
}

// parseSize reads a number of bytes such as 25m. The units are powers of 1,024.
func parseSize(text string) (int64, bool) {
	digits := strings.TrimRight(strings.ToLower(text), "bkmgi")
	unit := strings.TrimSuffix(strings.TrimSuffix(strings.ToLower(text)[len(digits):], "b"), "i")
	shift, known := map[string]int{"": 0, "k": 10, "m": 20, "g": 30}[unit]
	n, err := strconv.ParseInt(digits, 10, 32)
	if !known || err != nil || n <= 0 {
		return 0, false
	}
	return n << shift, true
}

// datetimeVerbs are the verbs of strftime that the driver knows, each as the pattern of
// what it stands for (Docker's "Amazon CloudWatch Logs logging driver").
var datetimeVerbs = map[byte]string{
	'A': `(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day`,
	'a': `(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)`,
	'B': `(?:January|February|March|April|May|June|July|August|September|October|November|December)`,
	'b': `(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)`,
	'd': `[0-9]{2}`,
	'f': `[0-9]{6}`,
	'H': `[0-9]{2}`,
	'I': `[0-9]{2}`,
	'j': `[0-9]{3}`,
	'L': `\.[0-9]{3}`,
	'M': `[0-9]{2}`,
	'm': `[0-9]{2}`,
	'p': `[AP]M`,
	'S': `[0-9]{2}`,
	'w': `[0-6]`,
	'Y': `[0-9]{4}`,
	'y': `[0-9]{2}`,
	'Z': `[A-Z]{1,4}T`,
	'z': `[+-][0-9]{4}`,
	'%': `%`,
}

// datetimePattern is the pattern of a line with a time in a format of strftime.
func datetimePattern(format string) string {
	var pattern strings.Builder
	for i := 0; i < len(format); i++ {
		verb := format[i] == '%' && i+1 < len(format)
		if verb && datetimeVerbs[format[i+1]] != "" {
			i++
			pattern.WriteString(datetimeVerbs[format[i]])
			continue
		}
		pattern.WriteString(regexp.QuoteMeta(format[i : i+1]))
	}
	return pattern.String()
}
