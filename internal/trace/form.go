package trace

import (
	"bufio"
	"bytes"
	"regexp"
)

// A form is a kind of file.
type form interface {
	read(in *bufio.Reader, o Options) (points, error)
}

// formOf finds out what a file is by how it begins.
func formOf(begin []byte) form {
	begin = bytes.TrimLeft(begin, " \t\r\n")
	line, _, _ := bytes.Cut(begin, []byte("\n"))
	switch {
	case envoyLog.Match(line):
		return accessLog{stampOf: envoyStamp}
	case len(begin) > 0 && begin[0] == '{' && isJSONLine(line):
		return jsonLines{}
	case len(begin) > 0 && (begin[0] == '{' || begin[0] == '['):
		return document{}
	case commonLog.Match(line[:min(len(line), longestPrefix)]):
		return accessLog{stampOf: commonStamp}
	case balancerLog.Match(line):
		return accessLog{stampOf: balancerStamp}
	case classicLog.Match(line):
		return accessLog{stampOf: classicStamp}
	case extendedLog.Match(begin):
		return accessLog{stampOf: extendedStamp}
	case isCLIText(begin):
		return cliText{}
	}
	return table{begin: begin}
}

// isJSONLine is whether a line is a whole JSON object of one level that is no document.
func isJSONLine(line []byte) bool {
	line = bytes.TrimSpace(line)
	return len(line) > 2 && line[len(line)-1] == '}' && !bytes.Contains(line, []byte(`"resultType"`)) && !bytes.Contains(line, []byte(`"MetricDataResults"`)) &&
		!bytes.Contains(line, []byte(`"Datapoints"`))
}

// longestPrefix is how far into a line of an access log its time may end.
const longestPrefix = 512

var (
	// Apache's and nginx's common and combined logs, with a virtual host before them or without, in the
	// first longestPrefix bytes of a line.
	commonLog = regexp.MustCompile(`^\S+ (\S+ )?\S+ .*\[\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\] `)
	// Application Load Balancers.
	balancerLog = regexp.MustCompile(`^(https?|h2|grpcs|wss?) \d{4}-\d\d-\d\dT[\d:.]+Z `)
	// Classic Load Balancers.
	classicLog = regexp.MustCompile(`^\d{4}-\d\d-\d\dT[\d:.]+Z \S+ [\d.:a-f]+ `)
	// Envoy's default.
	envoyLog = regexp.MustCompile(`^\[\d{4}-\d\d-\d\dT[\d:.]+Z\] "`)
	// The W3C's extended logs, as CloudFront and IIS write them.
	extendedLog = regexp.MustCompile(`^(#.*\n)*#Fields: date\s+time\s`)
	// What the aws CLI writes with --output text.
	cliLine = regexp.MustCompile(`(?m)^(DATAPOINTS|METRICDATARESULTS|TIMESTAMPS|VALUES)\t`)
)

// isCLIText is whether this is what the aws CLI writes with --output text.
func isCLIText(begin []byte) bool { return cliLine.Match(begin[:min(len(begin), 2048)]) }
