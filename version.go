package xmsclient

// Version is the version of this SDK, in semantic-versioning form without a leading "v". It is part of the default
// User-Agent, "xms-client-go/<Version>".
const Version = "0.1.0"
