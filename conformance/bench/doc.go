// Package bench makes the same calls with this SDK, by hand with net/http and encoding/json, and
// with the clients that oapi-codegen and ogen generate from docs/openapi.yaml.
//
// Its programs print what they measure: compare the time and the allocations of calls, parallel how
// many calls a second many callers get done, peak the memory that a long list takes.
package bench
