package xmsclient

import (
	"context"
	"encoding/json"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/cenkalti/backoff/v5"
)

// call is one operation on its way: its arguments, what has been made of them, and how far it has come.
type call struct {
	op    *operationRow
	id    int64       // accessTokenID, of an operation whose path has one
	query []*string   // values of op.query, in its order; nil where the parameter is not sent
	model requestBody // of an operation with a body

	apiKey APIKey // of ContextWithAPIKey
	body   []byte // model, encoded

	read     func(*cursor) error // of the body of a 2xx answer, into the result
	response *Response           // of the result, to be filled in

	server string     // base URL of the node of the latest attempt
	cred   credential // of the latest attempt

	formerKeys []string   // secrets of the attempts before
	sent       *sendTrace // of the latest attempt; nil where nothing depends on it
	attempts   int        // tries made
	uncertain  bool       // one of them may have taken effect
	rotated    bool       // the one repetition for the sake of a rotated token has been used
	rotatedTo  string     // token for the next attempt, if it is known already
	round
}

// round is how far a call has come on its way through the nodes.
type round struct {
	node    int           // index of the node for the next attempt
	tried   int           // nodes that failed in this round
	hopeful bool          // one of them may recover
	pause   time.Duration // longest time that one of them asked to be left alone
	backoff *backoff.ExponentialBackOff
}

// requestBody is a model that can be sent.
type requestBody interface{ check() *ArgumentError }

// prepare checks the arguments and encodes the body.
func (in *call) prepare(ctx context.Context) error {
	if err := in.check(ctx); err != nil {
		err.Operation = in.op.name
		return err
	}
	if !in.op.body {
		return nil
	}
	body, err := json.Marshal(in.model)
	in.body = body
	return err
}

func (in *call) check(ctx context.Context) *ArgumentError {
	if ctx == nil {
		return &ArgumentError{Argument: "ctx", Reason: "must not be nil; use context.Background()"}
	}
	if in.op.hasID() && in.id <= 0 {
		return &ArgumentError{Argument: "accessTokenID", Reason: "must be positive, not " + strconv.FormatInt(in.id, 10)}
	}
	for i, p := range in.op.query {
		if p.required != "" && *in.query[i] == "" {
			return &ArgumentError{Argument: p.required, Reason: "must not be empty"}
		}
	}
	if in.op.body {
		if err := in.model.check(); err != nil {
			return err
		}
	}
	key, ok := ctx.Value(apiKeyContextKey{}).(func() APIKey)
	if !ok {
		return nil
	}
	in.apiKey = key()
	if err := in.apiKey.checkForCall(); err != nil {
		return &ArgumentError{Argument: "ctx", Reason: "the key given to ContextWithAPIKey " + err.Error()}
	}
	return nil
}

// use makes cred that of the attempt about to be made.
func (in *call) use(cred credential) {
	if in.attempts > 0 && cred.headerKey != in.cred.headerKey {
		in.formerKeys = append(in.formerKeys, in.cred.headerKey)
	}
	in.cred = cred
}

func checkName(argument, name string) *ArgumentError {
	if name == "" {
		return &ArgumentError{Argument: argument, Reason: "must not be empty"}
	}
	return checkText(argument, name)
}

// checkText refuses what JSON cannot carry: encoding/json would replace it without a word.
func checkText(argument, text string) *ArgumentError {
	if !utf8.ValidString(text) {
		return &ArgumentError{Argument: argument, Reason: "must be valid UTF-8"}
	}
	return nil
}

func checkRoles(argument string, roles []string) *ArgumentError {
	if len(roles) == 0 {
		return &ArgumentError{Argument: argument, Reason: "must not be empty"}
	}
	for i, role := range roles {
		if err := checkName(argument, role); err != nil {
			err.Argument += "[" + strconv.Itoa(i) + "]"
			return err
		}
	}
	return nil
}
