package ogen

//go:generate go tool ogen -config config.yaml -package ogen -target . -clean ../../../docs/openapi.yaml
