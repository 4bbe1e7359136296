package rules

import (
	_ "embed"
	"regexp"
	"slices"
	"strings"
)

// AWS has no list of all service principals. These were collected from its user guides,
// from its managed policies and from what others have seen it accept; one that is missing
// is added here.
//
//go:embed services.txt
var listed string

// region stands before the domain in the names that some services have in each region, such as
// logs.eu-west-2.amazonaws.com.
var region = regexp.MustCompile(`\.[a-z]{2}(-gov)?-[a-z]+-\d\.amazonaws\.com$`)

// IsService tells whether a service of AWS has the name, which may be that of one region
// or of China.
func IsService(name string) bool {
	name = region.ReplaceAllString(strings.TrimSuffix(name, ".cn"), ".amazonaws.com")
	_, found := slices.BinarySearch(strings.Fields(listed), name)
	return found
}
