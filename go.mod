module github.com/xsky-storage/xms-client-go

go 1.25

require (
	github.com/jarcoal/httpmock v1.0.5
	github.com/stretchr/testify v1.9.0
	go.uber.org/goleak v0.10.0
)

require (
	github.com/davecgh/go-spew v1.1.1 // indirect
	github.com/pmezard/go-difflib v1.0.0 // indirect
	gopkg.in/yaml.v3 v3.0.1 // indirect
)
