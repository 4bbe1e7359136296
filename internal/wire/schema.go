package wire

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"

	smithy "github.com/aws/smithy-go"
	"github.com/aws/smithy-go/traits"
)

// What the wire calls the members of a type, and which codes and statuses errors
// have, is said by the schemas of the SDK's packages. They do not say what AWS's
// models demand of values: that is in the tables under model/.

// schemaOf returns the schema that a type of the SDK hands to its serializer. It
// is nil for an input or output that has no members in AWS's model, and for types
// of packages that have no schemas.
func schemaOf(t reflect.Type) *smithy.Schema {
	v, ok := reflect.New(t).Interface().(smithy.Serializable)
	if !ok {
		return nil
	}
	var s schemaCatcher
	v.Serialize(&s)
	return s.schema
}

// A schemaCatcher is a serializer that keeps the schema of the struct that it is
// given. Of an empty struct nothing is written but members that are no pointers.
type schemaCatcher struct {
	smithy.ShapeSerializer
	schema *smithy.Schema
}

func (c *schemaCatcher) WriteStruct(s *smithy.Schema)         { c.schema = s }
func (c *schemaCatcher) CloseStruct()                         {}
func (c *schemaCatcher) WriteBool(*smithy.Schema, bool)       {}
func (c *schemaCatcher) WriteInt32(*smithy.Schema, int32)     {}
func (c *schemaCatcher) WriteInt64(*smithy.Schema, int64)     {}
func (c *schemaCatcher) WriteFloat64(*smithy.Schema, float64) {}

// memberOf returns the schema of a member by the SDK's name for it, which always
// begins with a capital letter. It is nil if s is.
func memberOf(s *smithy.Schema, goName string) (*smithy.Schema, error) {
	if s == nil {
		return nil, nil
	}
	for _, name := range []string{goName, lowerFirst(goName)} {
		if m := s.Member(name); m != nil {
			return m, nil
		}
	}
	return nil, fmt.Errorf("wire: the schema %s has no member %s", s.TargetID(), goName)
}

// schemaName is what the wire calls a member. Without a schema it is the SDK's name,
// unless the model says another.
func schemaName(m member, schema *smithy.Schema, goName string) string {
	if schema == nil || m.Name != "" {
		return cmp.Or(m.Name, goName)
	}
	return schema.MemberName()
}

// xmlName is what a member is called in awsQuery, where its schema says so.
func xmlName(schema *smithy.Schema, otherwise string) string {
	if schema != nil {
		if t, ok := smithy.SchemaTrait[*traits.XMLName](schema); ok {
			return t.Name
		}
	}
	return otherwise
}

// isFlat tells a list or map whose elements stand in its place in awsQuery.
func isFlat(schema *smithy.Schema) bool {
	if schema == nil {
		return false
	}
	_, flat := smithy.SchemaTrait[*traits.XMLFlattened](schema)
	return flat
}

// entryNames are what the keys and values of a map are called in awsQuery.
func entryNames(schema *smithy.Schema) (names [2]string) {
	names = [2]string{"key", "value"}
	for i, name := range names {
		if schema != nil {
			names[i] = xmlName(schema.Member(name), name)
		}
	}
	return names
}

// An errorShape is an error of AWS's model.
type errorShape struct {
	name   string
	query  string // its code in awsQuery, which is the name for most
	status int    // of HTTP
}

// errorShapes finds a service's errors by their names and their codes in awsQuery.
func errorShapes(types *smithy.TypeRegistry, query bool) map[string]errorShape {
	shapes := map[string]errorShape{}
	if types == nil {
		return shapes
	}
	for _, entry := range types.Entries {
		e := errorShapeOf(entry.Schema, query)
		shapes[e.name] = e
	}
	for _, name := range slices.Sorted(maps.Keys(shapes)) {
		e := shapes[name]
		if _, taken := shapes[e.query]; !taken {
			shapes[e.query] = e
		}
	}
	return shapes
}

func errorShapeOf(s *smithy.Schema, query bool) errorShape {
	e := errorShape{name: s.ID().Name, query: s.ID().Name, status: http.StatusBadRequest}
	if t, ok := smithy.SchemaTrait[*traits.Error](s); ok && t.Type == "server" {
		e.status = http.StatusInternalServerError
	}
	if t, ok := smithy.SchemaTrait[*traits.HTTPError](s); ok {
		e.status = t.Code
	}
	if t, ok := smithy.SchemaTrait[*traits.AWSQueryError](s); ok && query {
		e.query, e.status = t.ErrorCode, t.StatusCode
	}
	return e
}
