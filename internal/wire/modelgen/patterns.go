package main

import (
	"regexp"
	"regexp/syntax"
	"strings"
)

// Patterns that look ahead, which RE2 cannot, said in another way.
var rewritten = map[string]string{
	// Not a space at either end, no control character, colon, slash or bar.
	`(?!((^[ ]+.*)|(.*([\u0000-\u001f]|[\u007f-\u009f]|[:/|])+.*)|(.*[ ]+$))).+`: `[^\x00-\x20\x{7f}-\x{9f}:/|]([^\x00-\x1f\x{7f}-\x{9f}:/|]*[^\x00-\x20\x{7f}-\x{9f}:/|])?`,
	// No two hyphens; the length is a constraint of its own.
	`^[a-z0-9]([a-z0-9]|-(?!-)){1,61}[a-z0-9]$`: `[a-z0-9]+(-[a-z0-9]+)*`,
	// Not beginning with aws and a dot.
	`^(?=[/\.\-_A-Za-z0-9]+)((?!aws\.).*)|(\$(\.[\w_-]+(\[(\d+|\*)\])*)*)$`: `[/.\-_A-Zb-z0-9].*|a([^w\n].*)?|aw([^s\n].*)?|aws([^.\n].*)?|\$(\.[\w_-]+(\[(\d+|\*)\])*)*`,
	// Not a number alone.
	`(?!^[0-9]+$)([a-zA-Z0-9-_]+)`: `[0-9]*[a-zA-Z-_][a-zA-Z0-9-_]*`,
}

// Patterns of shapes that AWS does not hold values to.
var untrue = map[string]string{
	"MetricNamespace": "[^:*$]*", // of CloudWatch Logs, which takes colons
}

var (
	surrogates = regexp.MustCompile(`\\uD800\\uDC00-\\uDBFF\\uDFFF`)
	unicode    = regexp.MustCompile(`\\u([0-9A-Fa-f]{4})`)
)

// translate turns a Java pattern into Go's syntax.
func translate(java string) (string, bool) {
	if re2, ok := rewritten[java]; ok {
		return re2, true
	}
	re2 := surrogates.ReplaceAllString(java, `\x{10000}-\x{10FFFF}`)
	re2 = unicode.ReplaceAllString(re2, `\x{$1}`)
	re2 = strings.ReplaceAll(re2, `\p{Print}`, `[\x20-\x7E]`)
	_, err := syntax.Parse(re2, syntax.Perl)
	return re2, err == nil
}
