// Package bench makes the same calls with this SDK, by hand with net/http and encoding/json, and
// with the clients that oapi-codegen and ogen generate from docs/openapi.yaml.
//
// Its programs measure: compare what calls cost, how many of them many callers get done, and the
// memory that a long list takes; importing what it costs a program to import each client. Program
// page writes the results into docs/performance.md.
package bench
