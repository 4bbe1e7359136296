package shellenv

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// A Shell writes commands of a kind of shell.
type Shell struct {
	// Name is how it is asked for.
	Name string
	// Read is what a user types to have the output of a command carried out.
	Read string
	// set, unset, define and forget are the formats of commands: of a name and a quoted
	// value, of a name, and of the function aws.
	set, unset, define, forget string
	quote                      func(string) string
}

// Shells are those that there are. The first is for all that are like the Bourne shell.
func Shells() []Shell { return []Shell{bourne(), fish()} }

// The function aws is for version 1 of the CLI, whose sqs calls AWS itself whatever
// AWS_ENDPOINT_URL says (it takes the endpoint for one that the user has typed). All else goes
// through it unchanged, and so does an --endpoint-url that comes behind.
func bourne() Shell {
	return Shell{
		Name: "sh", Read: `eval "$(%s)"`,
		set: "export %s=%s\n", unset: "unset %s\n",
		define: `aws() {
  local url="${AWS_ENDPOINT_URL_SQS:-${AWS_ENDPOINT_URL-}}"
  case " $* " in
  *" sqs "*) command aws ${url:+"--endpoint-url=$url"} "$@" ;;
  *) command aws "$@" ;;
  esac
}
[ -z "${BASH_VERSION-}" ] || export -f aws
`,
		forget: "unset -f aws 2>/dev/null || true\n",
		quote:  func(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" },
	}
}

func fish() Shell {
	escape := strings.NewReplacer(`\`, `\\`, "'", `\'`)
	return Shell{
		Name: "fish", Read: "%s | source",
		set: "set -gx %s %s\n", unset: "set -e %s\n",
		define: `function aws
  set -l url $AWS_ENDPOINT_URL_SQS $AWS_ENDPOINT_URL
  if contains sqs $argv; and set -q url[1]
    command aws --endpoint-url=$url[1] $argv
  else
    command aws $argv
  end
end
`,
		forget: "functions -e aws\n",
		quote:  func(s string) string { return "'" + escape.Replace(s) + "'" },
	}
}

// plain is a value that no shell reads anything into.
var plain = regexp.MustCompile(`^[\w./:@,+=-]+$`)

// Word is a value as shells like the Bourne shell take it, quoted where that is needed.
func Word(value string) string { return bourne().word(value) }

func (s Shell) word(value string) string {
	if plain.MatchString(value) {
		return value
	}
	return s.quote(value)
}

// Script is what a shell carries out to have these variables. Where function is true it has
// the function aws as well, or else loses it.
func (s Shell) Script(c Changes, function bool) string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(c)) {
		if value := c[name]; value != nil {
			fmt.Fprintf(&b, s.set, name, s.word(*value))
		} else {
			fmt.Fprintf(&b, s.unset, name)
		}
	}
	if function {
		b.WriteString("# For version 1 of the aws CLI, whose sqs does not heed AWS_ENDPOINT_URL.\n" + s.define)
	} else {
		b.WriteString(s.forget)
	}
	return b.String()
}
