// Package ogen is the client that ogen makes of the API's document. Its JSON is read by jx.
package ogen

//go:generate go tool ogen -config config.yaml -package ogen -target . -clean ../../../docs/openapi.yaml
