module github.com/xsky-storage/xms-client-go/internal/testdata/http2

go 1.25.0

require (
	github.com/xsky-storage/xms-client-go v0.0.0
	golang.org/x/net v0.53.0 // below 0.54, which no longer repeats requests
)

require golang.org/x/text v0.36.0 // indirect

replace github.com/xsky-storage/xms-client-go => ../../..
