module github.com/xsky-storage/xms-client-go

go 1.25

require (
	github.com/cenkalti/backoff/v5 v5.0.3 // indirect
	github.com/jarcoal/httpmock v1.4.2 // indirect
	github.com/stretchr/testify v1.12.1 // indirect
	go.uber.org/goleak v1.3.0 // indirect
	go.yaml.in/yaml/v3 v3.0.5 // indirect
)
