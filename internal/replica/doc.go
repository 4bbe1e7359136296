// Package replica is how the replicas of a server reach one another: over TLS, with certificates of an
// authority whose key is in the database that they share. Whoever has no access to that database is not let in.
package replica
