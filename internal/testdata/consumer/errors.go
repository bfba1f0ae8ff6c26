package main

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	xmsclient "github.com/xsky-storage/xms-client-go"
)

// The methods of errors by their promised types.
var (
	_ func(*xmsclient.ApiError) string          = (*xmsclient.ApiError).Error
	_ func(*xmsclient.ApiError, error) bool     = (*xmsclient.ApiError).Is
	_ func(*xmsclient.RequestError) string      = (*xmsclient.RequestError).Error
	_ func(*xmsclient.RequestError, error) bool = (*xmsclient.RequestError).Is
	_ func(*xmsclient.RequestError) error       = (*xmsclient.RequestError).Unwrap
	_ func(*xmsclient.DecodeError) string       = (*xmsclient.DecodeError).Error
	_ func(*xmsclient.DecodeError, error) bool  = (*xmsclient.DecodeError).Is
	_ func(*xmsclient.DecodeError) error        = (*xmsclient.DecodeError).Unwrap
	_ func(*xmsclient.ArgumentError) string     = (*xmsclient.ArgumentError).Error
	_ func(*xmsclient.ArgumentError) error      = (*xmsclient.ArgumentError).Unwrap
)

// The errors, and the fields of each, by their promised types.
var (
	_ error = &xmsclient.ApiError{
		Operation: "", Method: "", URL: "", StatusCode: int(0), Code: "", Message: "", Body: []byte(nil), Header: http.Header(nil),
		RetryAfter: time.Duration(0), Server: "", Attempts: int(0),
	}
	_ error = &xmsclient.RequestError{Operation: "", Server: "", Attempts: int(0), Err: error(nil)}
	_ error = &xmsclient.DecodeError{Operation: "", StatusCode: int(0), ContentType: "", Body: []byte(nil), Err: error(nil)}
	_ error = &xmsclient.ArgumentError{Operation: "", Argument: "", Reason: ""}
)

// describe tells a person what went wrong.
func describe(err error) string {
	for sentinel, advice := range map[error]string{
		xmsclient.ErrBadRequest:       "check the values",
		xmsclient.ErrUnauthorized:     "check the token",
		xmsclient.ErrForbidden:        "ask for the role",
		xmsclient.ErrNotFound:         "check the id",
		xmsclient.ErrConflict:         "take another name",
		xmsclient.ErrTooManyRequests:  "come back later",
		xmsclient.ErrServer:           "ask the operators",
		xmsclient.ErrOutcomeUnknown:   "look before doing it again",
		xmsclient.ErrResponseTooLarge: "ask for a smaller page",
	} {
		if errors.Is(err, sentinel) {
			return fmt.Sprintf("%v (%s)", err, advice)
		}
	}
	return err.Error()
}
