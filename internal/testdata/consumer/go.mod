module example.com/consumer

go 1.25.0

require github.com/xsky-storage/xms-client-go v0.0.0

replace github.com/xsky-storage/xms-client-go => ../../..
