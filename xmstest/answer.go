package xmstest

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strconv"
)

// answer is a response that has not been sent, so that a fault can still change, shorten or withhold it.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func newAnswer(status int, v any) answer {
	body, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("xmstest: an answer cannot be encoded: %v", err))
	}
	return answer{status: status, header: http.Header{"Content-Type": {"application/json"}}, body: body}
}

func newErrorAnswer(status int, code, message string) answer {
	return newAnswer(status, errorResponse{Code: code, Message: message})
}

func badRequest(message string) answer {
	return newErrorAnswer(http.StatusBadRequest, "bad_request", message)
}

func (a answer) writeTo(w http.ResponseWriter) {
	if a.status == http.StatusNoContent || a.status == http.StatusNotModified {
		a.body = nil // net/http would announce it over HTTP/2 and then not send it
	}
	if len(a.body) > 0 {
		w.Header().Set("Content-Length", strconv.Itoa(len(a.body)))
	}
	maps.Copy(w.Header(), a.header)
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body) // a client that has gone needs no answer
}
