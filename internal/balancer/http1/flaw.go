package http1

import "strings"

// A Flaw is what is not quite right with a request that can be served. Names and
// classes are those of desync mitigation ("Access logs for your Application Load
// Balancer", classification reasons). What AWS classes as severe is an *Error.
type Flaw int

// The flaws, from acceptable ones to ambiguous ones.
const (
	None Flaw = iota
	GetHeadZeroContentLength
	UndefinedContentLengthSemantics
	UndefinedTransferEncodingSemantics
	DuplicateContentLength
	BothTeClPresent
)

// Ambiguous says that another reader may see a body of another length.
func (f Flaw) Ambiguous() bool { return f > GetHeadZeroContentLength }

// suspicious says whether a name that frames nothing would do so once someone has
// normalized it: Transfer_Encoding, say.
func suspicious(name string) bool {
	if len(name) < len("contentlength") || len(name) > len("transferencoding")+8 {
		return false
	}
	letters := strings.Map(func(c rune) rune {
		switch {
		case 'A' <= c && c <= 'Z':
			return c + 'a' - 'A'
		case 'a' <= c && c <= 'z':
			return c
		}
		return -1
	}, name)
	return letters == "contentlength" || letters == "transferencoding"
}
