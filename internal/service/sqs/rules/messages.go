package rules

import (
	"crypto/md5"
	"encoding/binary"
	"encoding/hex"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"flyball/internal/broker"
	"flyball/internal/service/sqs/fault"
)

// The limits of messages ("Amazon SQS message quotas").
const (
	MostBatch      = 1_048_576 // bytes of all messages of a batch
	MostEntries    = 10        // of a batch
	mostAttributes = 10
	mostAttribute  = 256 // characters of a name or a type
)

// Body checks what a message says.
func Body(body string) error {
	if body == "" {
		return fault.Missing("MessageBody")
	}
	return contents(body)
}

// contents checks for the characters of XML 1.0, which alone messages can have.
func contents(s string) error {
	for i, r := range s {
		switch {
		case r >= ' ' && r <= '~':
		case r == utf8.RuneError && !strings.HasPrefix(s[i:], "\uFFFD"),
			r < ' ' && r != '\t' && r != '\n' && r != '\r', r == 0xFFFE, r == 0xFFFF:
			return fault.Contents()
		}
	}
	return nil
}

// Attributes reads and checks message attributes. They are by name.
func Attributes(given map[string]types.MessageAttributeValue) ([]broker.Attribute, error) {
	if len(given) == 0 {
		return nil, nil
	}
	if len(given) > mostAttributes {
		return nil, fault.Parameter("Number of message attributes [%d] exceeds the allowed maximum [%d].", len(given), mostAttributes)
	}
	all := make([]broker.Attribute, 0, len(given))
	for _, name := range slices.Sorted(maps.Keys(given)) {
		a, err := attribute(name, given[name])
		if err != nil {
			return nil, err
		}
		all = append(all, a)
	}
	return all, nil
}

func attribute(name string, v types.MessageAttributeValue) (a broker.Attribute, err error) {
	if err := attributeName(name); err != nil {
		return a, err
	}
	a = broker.Attribute{Name: name, Type: aws.ToString(v.DataType)}
	base, _, _ := strings.Cut(a.Type, ".")
	switch {
	case a.Type == "":
		return a, fault.Parameter("The message attribute '%s' must contain a non-empty message attribute type.", name)
	case base != "String" && base != "Number" && base != "Binary":
		return a, fault.Parameter("The type of message (user) attribute '%s' is invalid. You must use only the following supported type prefixes: Binary, Number, String.", name)
	case utf8.RuneCountInString(a.Type) > mostAttribute || strings.HasSuffix(a.Type, "."):
		return a, fault.Parameter("The message attribute '%s' has an invalid message attribute type.", name)
	case len(v.StringListValues) > 0 || len(v.BinaryListValues) > 0:
		return a, fault.Unsupported("Message attribute list values in SendMessage operation are not supported.")
	}
	if a.Binary = base == "Binary"; a.Binary {
		a.Value = string(v.BinaryValue)
	} else {
		a.Value = aws.ToString(v.StringValue)
	}
	if a.Value == "" {
		return a, fault.Parameter("Message (user) attribute '%s' must contain a non-empty value of type '%s'.", name, base)
	}
	if base == "Number" && !isNumber(a.Value) {
		return a, fault.Parameter("Can't cast the value of message (user) attribute '%s' to a number.", name)
	}
	if !a.Binary && contents(a.Value) != nil {
		return a, fault.Parameter("Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF")
	}
	return a, nil
}

// attributeName checks the name of a message attribute ("Message attribute components").
// AWS takes Latin letters with marks, of which its documents say nothing.
func attributeName(name string) error {
	lower := strings.ToLower(name)
	ok := name != "" && len(name) <= mostAttribute && !strings.HasPrefix(lower, "aws.") && !strings.HasPrefix(lower, "amazon.") &&
		!strings.HasPrefix(name, ".") && !strings.HasSuffix(name, ".") && !strings.Contains(name, "..")
	for _, r := range name {
		ok = ok && (r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' ||
			r >= 'À' && r <= 'ſ' || strings.ContainsRune("_-.", r))
	}
	if !ok {
		return fault.Parameter("Message (user) attribute name can contain upper and lower score alphanumeric characters, underscores, hyphens and periods; it must not start with AWS. or Amazon., nor begin or end with a period: '%s'", name)
	}
	return nil
}

// isNumber tells the text of a number of up to 38 digits.
func isNumber(s string) bool {
	digits, point := 0, false
	for i, r := range s {
		switch {
		case r >= '0' && r <= '9':
			digits++
		case r == '.' && !point:
			point = true
		case (r == '-' || r == '+') && i == 0:
		case (r == 'e' || r == 'E') && digits > 0:
			exponent := strings.TrimLeft(s[i+1:], "+-")
			return exponent != "" && strings.Trim(exponent, "0123456789") == ""
		default:
			return false
		}
	}
	return digits > 0
}

// Token checks a MessageGroupId or MessageDeduplicationId.
func Token(parameter, value string) error {
	ok := value != "" && len(value) <= 128
	for _, r := range value {
		ok = ok && r > ' ' && r <= '~'
	}
	if !ok {
		return fault.Value(value, parameter, parameter+" can only include alphanumeric and punctuation characters. 1 to 128 in length.")
	}
	return nil
}

// MD5 is that of a text, as AWS writes it.
func MD5(text string) string {
	sum := md5.Sum([]byte(text))
	return hex.EncodeToString(sum[:])
}

// AttributesMD5 is the MD5 of message attributes, which are by name: of names, types and
// values, each after its length ("Calculating the MD5 message digest for message
// attributes"). Without attributes it is nil.
func AttributesMD5(all []broker.Attribute) *string {
	if len(all) == 0 {
		return nil
	}
	h := md5.New()
	part := func(s string) {
		h.Write(binary.BigEndian.AppendUint32(nil, uint32(len(s))))
		h.Write([]byte(s))
	}
	for _, a := range all {
		part(a.Name)
		part(a.Type)
		transport := byte(1)
		if a.Binary {
			transport = 2
		}
		h.Write([]byte{transport})
		part(a.Value)
	}
	return aws.String(hex.EncodeToString(h.Sum(nil)))
}
