// Package service has the AWS services below it, one a folder. This is the shape
// that they share; the example is a whole one.
//
// A service is one region of one account. Its Config has a cell.Cell, whose State
// holds its rows, and a small interface for whatever it needs of another service. Its
// API has the methods of the SDK's client, with the SDK's types: the wire finds
// operations by their names. What is pure about a service, such as the checks of
// its inputs, is a package below it.
package service
