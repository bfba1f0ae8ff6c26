// Package conformance holds the client and its test server against documents and programs that do
// not know them: docs/openapi.yaml, a cut of the vendor's own document, kin-openapi, Prism and
// OpenTelemetry. Its tests use public names only.
package conformance
