package variant

import (
	"cmp"
	"reflect"

	smithy "github.com/aws/smithy-go"
	"github.com/aws/smithy-go/traits"
)

// schemaOf is the schema that an input of the SDK hands to its serializer, or nil.
func schemaOf(t reflect.Type) *smithy.Schema {
	in, ok := reflect.New(t).Interface().(smithy.Serializable)
	if !ok {
		return nil
	}
	var c catcher
	in.Serialize(&c)
	return c.schema
}

// A catcher is a serializer that keeps the schema of an empty input. Of that only members
// that are no pointers are written.
type catcher struct {
	smithy.ShapeSerializer
	schema *smithy.Schema
}

func (c *catcher) WriteStruct(s *smithy.Schema)         { c.schema = s }
func (c *catcher) CloseStruct()                         {}
func (c *catcher) WriteBool(*smithy.Schema, bool)       {}
func (c *catcher) WriteInt32(*smithy.Schema, int32)     {}
func (c *catcher) WriteInt64(*smithy.Schema, int64)     {}
func (c *catcher) WriteFloat64(*smithy.Schema, float64) {}

func memberOf(s *smithy.Schema, name string) *smithy.Schema {
	if s == nil {
		return nil
	}
	return s.Member(name)
}

// name is what a member is called in requests, by the SDK's name for it, and its schema.
func (m *Model) name(in member, of *smithy.Schema, goName string) (string, *smithy.Schema) {
	if m.service == "ec2" {
		return cmp.Or(in.Query, goName), nil
	}
	for _, name := range []string{goName, lowerFirst(goName)} {
		if schema := memberOf(of, name); schema != nil {
			return cmp.Or(in.Name, name), schema
		}
	}
	return cmp.Or(in.Name, goName), nil
}

// xmlName is what awsQuery calls a member.
func xmlName(s *smithy.Schema, otherwise string) string {
	if s != nil {
		if t, ok := smithy.SchemaTrait[*traits.XMLName](s); ok {
			return t.Name
		}
	}
	return otherwise
}

// isFlat tells a list or map whose elements stand in its place in awsQuery.
func isFlat(s *smithy.Schema) bool {
	if s == nil {
		return false
	}
	_, flat := smithy.SchemaTrait[*traits.XMLFlattened](s)
	return flat
}

func elementOf(s *smithy.Schema) *smithy.Schema {
	if s == nil {
		return nil
	}
	return s.ListMember()
}

func valueOf(s *smithy.Schema) *smithy.Schema {
	if s == nil {
		return nil
	}
	return s.MapValue()
}
