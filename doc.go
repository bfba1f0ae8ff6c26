// Package xmsclient is the Go SDK for the access-token API of XMS.
package xmsclient
