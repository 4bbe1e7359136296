package policy

import "fmt"

// Malformed is the error of a text that is not a policy document, or not one
// for the place where it should stand. In IAM its code is
// MalformedPolicyDocument.
type Malformed struct {
	Message string // what AWS says
	Reason  string // what is wrong and where, as in "Statement[1].Effect: neither Allow nor Deny"; may be empty
}

func (m *Malformed) Error() string {
	if m.Reason == "" {
		return m.Message
	}
	return m.Message + " (" + m.Reason + ")"
}

// What AWS says of documents, as far as it is known.
const (
	syntaxErrors     = "Syntax errors in policy."
	invalidJSON      = "This policy contains invalid Json" // a trust policy's words
	oldVersion       = "Policy document must be version 2012-10-17 or greater."
	legacyParsing    = "The policy failed legacy parsing"
	duplicateSid     = "Statement IDs (SID) in a single policy must be unique."
	sidCharacters    = "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*"
	noActions        = "Policy statement must contain actions."
	noResources      = "Policy statement must contain resources."
	noVendor         = "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."
	manyColons       = "Actions/Condition can contain only one colon."
	wildVendor       = "Action vendors (e.g., aws, ec2, etc.) must not contain wildcards."
	vendorWildcard   = "Resource vendor must be fully qualified and cannot contain regexes."
	hasPrincipal     = "Policy document should not specify a principal."
	noPrincipal      = "Missing required field Principal"
	otherThanAssumed = "AssumeRole policy may only specify STS AssumeRole actions."
)

func malformed(message, reason string, a ...any) *Malformed {
	return &Malformed{Message: message, Reason: fmt.Sprintf(reason, a...)}
}
