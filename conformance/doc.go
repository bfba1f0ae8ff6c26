// Package conformance holds the SDK, its test server and its reference pages against docs/openapi.yaml, in both
// directions, and has tests only. prism.sh lets Prism, a mock server and validating proxy from elsewhere, do the same.
//
// It is a module of its own so that what it needs stays out of the module graph of those who use the SDK.
package conformance
