// Package wire serves AWS's protocols over the AWS SDK's own Go types.
//
// A service is a value whose methods are the operations of the SDK's client:
//
//	func (a *API) DescribeServices(ctx context.Context, in *ecs.DescribeServicesInput, _ ...func(*ecs.Options)) (*ecs.DescribeServicesOutput, error)
//
// NewHandler finds these methods, and ServeHTTP does the rest for each call:
//
//	guard      Host, Origin and Authorization, before anything is parsed
//	route      X-Amz-Target, /service/NAME/operation/OP, or Action and Version
//	decode     the body into the operation's input struct
//	validate   required, length, range, pattern, enum: AWS's model, AWS's words
//	call       the method
//	encode     its output struct, or its error, as the protocol wants it
//
// Protocols differ only in a reader and a writer of values (json.go, cbor.go,
// query.go, xml.go). One walker (decode.go, encode.go) moves between them and
// the structs, along a plan that is made once per type (plan.go).
package wire
