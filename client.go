package xmsclient

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/xsky-storage/xms-client-go/internal/exchange"
	"github.com/xsky-storage/xms-client-go/internal/secret"
)

// APIClient talks to one XMS cluster. Make it once with NewAPIClient and share it. It is safe for
// concurrent use, keeps its connections, and remembers which node answers.
//
// Printing a client shows no secret. If a program makes many clients, it should call
// CloseIdleConnections on those that it no longer needs.
type APIClient struct {
	// AccessTokensApi has the operations on access tokens.
	AccessTokensApi *AccessTokensApiService

	core secret.Hidden[*core]
}

// core is what all calls of a client share. It never changes.
type core struct {
	exchange *exchange.Client
	secrets  *secret.Set // of the configuration
	maxBytes int64
	logger   *slog.Logger // never nil
}

// NewAPIClient checks and copies cfg and returns a client for it. It sends nothing. The error is an
// *ArgumentError that names the field of cfg and says what would be right. A nil cfg is refused
// too.
func NewAPIClient(cfg *Configuration) (*APIClient, error) {
	if cfg == nil {
		return nil, configError("cfg", "must not be nil; NewConfiguration returns one to start from")
	}
	complete := cfg.withDefaults()
	nodes, err := complete.check()
	if err != nil {
		return nil, err
	}
	machine, err := exchange.New(complete.machine(nodes))
	if err != nil {
		return nil, configError("WrapTransport", "must not return nil; it may return the RoundTripper that it got")
	}
	client := &APIClient{core: secret.Hide(&core{
		exchange: machine, secrets: complete.secrets(), maxBytes: complete.MaxResponseBytes,
		logger: cmp.Or(complete.Logger, slog.New(slog.DiscardHandler)),
	})}
	client.AccessTokensApi = &AccessTokensApiService{client}
	return client, nil
}

// CloseIdleConnections closes the connections that no call uses at the moment, those of the
// transport beneath WrapTransport too. The client can be used afterwards.
func (c *APIClient) CloseIdleConnections() { c.core.Reveal().exchange.CloseIdleConnections() }

// operation describes an operation, without its answer.
type operation struct {
	name         string // operationId of the API
	method       string
	path         string // below the base URL, with one {name} at most, which an id takes the place of
	idArgument   string // the method's name for that id; "" if the path has none
	success      int    // documented status; any other 2xx is a success too
	safeToRepeat bool   // sending it twice does what sending it once does
	ifUnknown    string // what a failed write may have done and what to do then; "" if it writes nothing
}

// arguments are what a caller gives an operation.
type arguments struct {
	id      int64
	query   []parameter
	body    requestBody    // nil: none is sent
	refused *ArgumentError // why the method's own check refuses an argument; nil: it does not
}

// parameter is a query parameter that is sent.
type parameter struct {
	name, value string
	secret      bool
}

// requestBody is a model that can be sent. A model with secrets has a method secrets() []string
// too.
type requestBody interface{ check() *ArgumentError }

// do is the path of every call.
func do[T any](
	ctx context.Context, client *APIClient, op *operation, args arguments, a answer[T],
) (*T, *Response, error) {
	if refused := op.check(ctx, args); refused != nil {
		refused.Operation = op.name
		return nil, nil, refused
	}
	c := client.core.Reveal()
	request := c.request(ctx, op, args)
	w := words{op, args, serverText{c.exchange.Do(ctx, request), request.Secrets, a.secret}}
	response := newResponse(&w.out)
	if err := w.publicError(); err != nil {
		return nil, response, err
	}
	value, unread, err := a.decode(&w.serverText, c.maxBytes)
	if err != nil {
		return nil, response, w.decodeError(err)
	}
	c.warn(ctx, op, unread)
	return value, response, nil
}

// check returns why the arguments are refused, or nil.
func (op *operation) check(ctx context.Context, args arguments) *ArgumentError {
	switch {
	case ctx == nil:
		return &ArgumentError{Argument: "ctx", Reason: "must not be nil; use context.Background()"}
	case op.idArgument != "" && args.id <= 0:
		return &ArgumentError{Argument: op.idArgument, Reason: fmt.Sprintf("must be positive, not %d", args.id)}
	case args.refused != nil:
		return args.refused
	}
	if args.body != nil {
		if err := args.body.check(); err != nil {
			return err
		}
	}
	key, ok := keyFromContext(ctx)
	if flaw := key.flaw(); ok && (flaw != "" || key.Key == "") {
		return &ArgumentError{Argument: "ctx", Reason: "the key given to ContextWithAPIKey " + cmp.Or(flaw, "is empty")}
	}
	return nil
}

// request returns what the call sends, with all secrets that are known before an attempt.
func (c *core) request(ctx context.Context, op *operation, args arguments) exchange.Request {
	request := exchange.Request{
		Operation: op.name, PathTemplate: op.path, Method: op.method,
		Path: op.fill(args.id), Query: encodeQuery(args.query, false),
		SafeToRepeat: op.safeToRepeat, Secrets: c.secrets.Clone(),
	}
	key, _ := keyFromContext(ctx)
	request.Secrets.Add(key.Key)
	for _, p := range args.query {
		if p.secret {
			request.Secrets.Add(p.value)
		}
	}
	if args.body == nil {
		return request
	}
	if model, ok := args.body.(interface{ secrets() []string }); ok {
		for _, s := range model.secrets() {
			request.Secrets.Add(s)
		}
	}
	request.Body = encode(args.body)
	return request
}

// encode returns a value as JSON, or in brackets why JSON cannot hold it, such as a time in the
// year 10000. No request has such a value. &, < and > stay as they are: the body is no HTML.
func encode(value any) []byte {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return []byte("(" + err.Error() + ")")
	}
	return bytes.TrimSuffix(text.Bytes(), []byte("\n"))
}

// fill returns the path with the id in its place.
func (op *operation) fill(id int64) string {
	before, rest, hasID := strings.Cut(op.path, "{")
	if !hasID {
		return op.path
	}
	return before + strconv.FormatInt(id, 10) + rest[strings.Index(rest, "}")+1:]
}

// encodeQuery returns the parameters as they stand in a URL. To be shown, secrets are replaced.
func encodeQuery(parameters []parameter, shown bool) string {
	query := make([]string, len(parameters))
	for i, p := range parameters {
		query[i] = p.name + "=" + url.QueryEscape(p.value)
		if shown && p.secret {
			query[i] = p.name + "=" + redacted
		}
	}
	return strings.Join(query, "&")
}

// observer returns what logs an attempt when it has ended, and the node that the client has left.
// It returns nil without a logger.
func observer(logger *slog.Logger) func(context.Context, exchange.Event) {
	if logger == nil {
		return nil
	}
	return func(ctx context.Context, e exchange.Event) {
		attributes := []slog.Attr{
			slog.String("operation", e.Operation), slog.String("server", e.Node), slog.Int("attempt", e.Attempt),
			slog.String("result", e.Result), slog.Duration("duration", e.Duration),
		}
		if e.Status != 0 {
			attributes = append(attributes, slog.Int("status", e.Status))
		}
		if e.Err != nil {
			attributes = append(attributes, slog.String("error", errorText(e.Err)))
		}
		if e.NoOtherToken != nil {
			attributes = append(attributes, slog.String("no_other_token", errorText(e.NoOtherToken)))
		}
		if e.Wait > 0 {
			attributes = append(attributes, slog.Duration("wait", e.Wait))
		}
		logger.LogAttrs(ctx, slog.LevelDebug, "xms attempt", attributes...)
		if e.LeftFor != "" {
			attributes = append(attributes, slog.String("next_server", e.LeftFor))
			logger.LogAttrs(ctx, slog.LevelWarn, "xms node left", attributes...)
		}
	}
}

// warn logs what could not be read of an answer that is good enough.
func (c *core) warn(ctx context.Context, op *operation, unread []string) {
	for _, text := range unread {
		c.logger.LogAttrs(ctx, slog.LevelWarn, "xms answer is partly unreadable",
			slog.String("operation", op.name), slog.String("error", text))
	}
}

// Response is the exchange behind a call. Its body has been read and closed. Package fmt and slog
// write how many headers there are, and JSON, XML and YAML encoders leave Header out: it may hold a
// session's cookie.
type Response struct {
	StatusCode int         // such as 200
	Header     http.Header `json:"-" xml:"-" yaml:"-"` // header of the answer, as it came
	Server     string      // base URL of the node that answered
	Attempts   int         // requests made; 1 if the first succeeded
}

// newResponse returns the exchange behind the last attempt, or nil if no server answered it.
func newResponse(o *exchange.Outcome) *Response {
	if o.Status == 0 {
		return nil
	}
	return &Response{StatusCode: o.Status, Header: o.Header, Server: o.Node, Attempts: o.Attempts}
}

// Format prints the response for every verb, without its headers.
func (r Response) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "xmsclient.Response{StatusCode:%d Header:(%d) Server:%q Attempts:%d}",
		r.StatusCode, len(r.Header), r.Server, r.Attempts)
}

// LogValue makes slog record what Format prints.
func (r *Response) LogValue() slog.Value { return logValue(r) }

// CallInfo tells a RoundTripper which call a request belongs to, for names of spans, metrics and
// logs. None of it is secret.
type CallInfo struct {
	Operation    string // such as "CreateAccessToken"
	PathTemplate string // below the base URL, such as "/access-tokens/{access_token_id}"
	Attempt      int    // from 1
}

// CallInfoFromContext returns the call that a request belongs to. A RoundTripper passes the context
// of its request. ok is false for any other context.
func CallInfoFromContext(ctx context.Context) (info CallInfo, ok bool) {
	i, ok := exchange.InfoFromContext(ctx)
	return CallInfo(i), ok
}
