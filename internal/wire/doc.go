// Package wire serves AWS's protocols over the AWS SDK's own Go types.
//
// A service is a type whose methods are the operations of the SDK's client:
//
//	func (a *API) DescribeServices(ctx context.Context, in *ecs.DescribeServicesInput, _ ...func(*ecs.Options)) (*ecs.DescribeServicesOutput, error)
//
// NewHandler finds these methods, and ServeHTTP does the rest for each call:
//
//	guard      Host and Origin, before anything is parsed
//	identify   what the call was signed for, a region of an account, and by whom
//	route      X-Amz-Target, /service/NAME/operation/OP, Action and Version, or method and path
//	verify     the signature of a known key, when the body has been read
//	decode     the body into the operation's input struct
//	validate   required, length, range, pattern, enum: AWS's model, AWS's words
//	authorize  Options.Authorize
//	resolve    the value of the service's type that the region and account have
//	call       its method
//	settle     Options.Settle
//	encode     its output struct, or an error, as the protocol wants it
//
// What differs between the protocols is in a file for each: awsjson.go,
// rpccbor.go, awsquery.go, ec2query.go and restjson.go meet the interface in
// protocol.go. They read and write values in an encoding (json.go, cbor.go, query.go, xml.go). One walker
// (decode.go, encode.go, validate.go) moves between these and the structs, along
// a plan that is made once per type (plan.go) from what the SDK's schemas say
// (schema.go) and from the tables of AWS's constraints (model.go).
//
// # A new service
//
// Describe it in services.go, and name its model and its client in modelgen; then
// run modelgen, as it says in its own documentation. A protocol that is not
// there yet is a file and a line in protocolOf.
// Paths that are not AWS's, such as a registry's, are mounted beside the handler,
// behind Guard.
package wire
