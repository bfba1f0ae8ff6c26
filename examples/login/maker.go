package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"time"

	xmsclient "github.com/xsky-storage/xms-client-go"
	"github.com/xsky-storage/xms-client-go/examples/create"
)

// createTimeout is twice Configuration.Timeout. So a create that gets no answer leaves time to look
// for the token.
const createTimeout = time.Minute

var errInterrupted = errors.New("interrupted")

// maker makes a token in a session of its own.
type maker struct {
	log   *log.Logger
	auth  *authClient
	api   *xmsclient.AccessTokensApiService
	logIn func(context.Context) (session, error)
}

// newMaker takes the cluster from XMS_BASE_URL and XMS_CA_FILE.
func newMaker(name, password string) (*maker, error) {
	if name == "" || password == "" {
		return nil, errors.New("XMS_USER and XMS_PASSWORD are required")
	}
	if err := os.Unsetenv("XMS_AUTH_TOKEN"); err != nil { // an old one, which may be malformed
		return nil, err
	}
	cfg, err := xmsclient.ConfigurationFromEnv()
	if err != nil {
		return nil, err
	}
	client, err := xmsclient.NewAPIClient(cfg)
	if err != nil {
		return nil, err
	}
	auth := newAuthClient(cfg)
	return &maker{auth: auth, api: client.AccessTokensApi, logIn: auth.withPassword(name, password)}, nil
}

// run opens the output first: a token that cannot be written is of no use, and cannot be shown
// again.
func (m *maker) run(ctx context.Context, token xmsclient.AccessTokenCreateReqAccessToken, out *output) (err error) {
	if err := out.open(); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, out.discard())
		}
	}()
	defer context.AfterFunc(ctx, func() { m.log.Println("interrupted: waiting for the request under way") })()
	opened, err := m.logIn(ctx)
	if err != nil {
		return err
	}
	defer m.logOut(context.WithoutCancel(ctx), opened.uuid)
	if ctx.Err() != nil {
		return errInterrupted
	}
	ctx = xmsclient.ContextWithAPIKey(ctx, xmsclient.APIKey{Key: opened.uuid})
	created, err := m.create(ctx, token)
	if err != nil {
		return err
	}
	err = errInterrupted
	if ctx.Err() == nil {
		err = out.write(created.UUID)
	}
	if err != nil {
		return errors.Join(err, m.delete(ctx, created))
	}
	m.log.Printf("token %d %q made, with the roles %q", created.ID, created.Name, created.Roles)
	return nil
}

// create does not end with ctx, which would leave a token behind.
func (m *maker) create(
	ctx context.Context, token xmsclient.AccessTokenCreateReqAccessToken,
) (*xmsclient.AccessTokenCreateRecord, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), createTimeout)
	defer cancel()
	return create.Create(ctx, m.api, xmsclient.AccessTokenCreateReq{AccessToken: &token})
}

func (m *maker) delete(ctx context.Context, created *xmsclient.AccessTokenCreateRecord) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), createTimeout)
	defer cancel()
	if _, err := m.api.DeleteAccessToken(ctx, created.ID); err != nil && !errors.Is(err, xmsclient.ErrNotFound) {
		return fmt.Errorf("token %d %q is left behind: %w", created.ID, created.Name, err)
	}
	m.log.Printf("token %d deleted", created.ID)
	return nil
}

// logOut does not fail the program: the session ends by itself, and the token may be written.
func (m *maker) logOut(ctx context.Context, uuid string) {
	if err := m.auth.logOut(ctx, uuid); err != nil {
		m.log.Println("the session stays open until it expires:", err)
	}
}

// output is where the uuid goes.
type output struct {
	path   string // "": stdout
	stdout io.Writer
	file   *os.File
}

// open refuses a file that exists: it may hold another token.
func (o *output) open() (err error) {
	if o.path != "" {
		o.file, err = os.OpenFile(o.path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	}
	return err
}

// write closes the file: until then its disk may still refuse it.
func (o *output) write(uuid string) error {
	if o.file == nil {
		_, err := fmt.Fprintln(o.stdout, uuid)
		return err
	}
	_, err := fmt.Fprintln(o.file, uuid)
	return errors.Join(err, o.file.Sync(), o.file.Close())
}

// discard removes the file, which holds no token that works.
func (o *output) discard() error {
	if o.file == nil {
		return nil
	}
	_ = o.file.Close() // it may be closed already
	return os.Remove(o.path)
}
