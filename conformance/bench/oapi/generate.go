package oapi

//go:generate go tool oapi-codegen -config config.yaml ../../../docs/openapi.yaml
