package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

// What Create asks for.
const newTokenName, newTokenText = "backup-volume-000007", "Nightly backup of volume 000007"

// std is what a careful engineer writes by hand.
type std struct {
	baseURL string
	http    *http.Client
}

// NewStd returns the floor: net/http and encoding/json, and nothing else.
func NewStd(t Target) (Client, error) { return &std{t.BaseURL, t.httpClient()}, nil }

type stdUser struct {
	ID        int64  `json:"id"`
	Name      string `json:"name"`
	SkipGuide bool   `json:"skip_guide"`
}

type stdToken struct {
	Create      time.Time `json:"create"`
	Update      time.Time `json:"update"`
	Description string    `json:"description"`
	Name        string    `json:"name"`
	ID          int64     `json:"id"`
	Roles       []string  `json:"roles"`
	Used        bool      `json:"used"`
	User        *stdUser  `json:"user"`
}

type stdRecord struct {
	stdToken
	UUID string `json:"uuid"`
}

type stdPaging struct {
	Count      int64 `json:"count"`
	Limit      int64 `json:"limit"`
	Offset     int64 `json:"offset"`
	TotalCount int64 `json:"total_count"`
}

type stdTokenAnswer struct {
	AccessToken *stdToken `json:"access_token"`
}

type stdRecordAnswer struct {
	AccessToken *stdRecord `json:"access_token"`
}

type stdListAnswer struct {
	AccessTokens []stdToken `json:"access_tokens"`
	Paging       *stdPaging `json:"paging"`
}

type stdNewToken struct {
	Description string   `json:"description,omitempty"`
	Name        string   `json:"name"`
	Roles       []string `json:"roles"`
}

type stdCreateRequest struct {
	AccessToken stdNewToken `json:"access_token"`
}

func (c *std) Get(ctx context.Context) error {
	var out stdTokenAnswer
	err := c.exchange(ctx, http.MethodGet, "/access-tokens/"+strconv.FormatInt(tokenID, 10), nil, &out)
	if err != nil {
		return err
	}
	return expect(out.AccessToken.ID, tokenID)
}

func (c *std) Create(ctx context.Context) error {
	body, err := json.Marshal(stdCreateRequest{stdNewToken{
		Description: newTokenText, Name: newTokenName, Roles: []string{"admin", "viewer"},
	}})
	if err != nil {
		return err
	}
	var out stdRecordAnswer
	if err := c.exchange(ctx, http.MethodPost, "/access-tokens/", bytes.NewReader(body), &out); err != nil {
		return err
	}
	return expect(out.AccessToken.UUID, tokenUUID)
}

func (c *std) List(ctx context.Context, limit int64) error {
	var out stdListAnswer
	err := c.exchange(ctx, http.MethodGet, "/access-tokens/?limit="+strconv.FormatInt(limit, 10), nil, &out)
	if err != nil {
		return err
	}
	return expect(int64(len(out.AccessTokens)), limit)
}

func (c *std) exchange(ctx context.Context, method, path string, in io.Reader, out any) error {
	req, err := http.NewRequestWithContext(ctx, method, c.baseURL+path, in)
	if err != nil {
		return err
	}
	req.Header.Set("Accept", contentTypeJSON)
	req.Header.Set(authHeader, authToken)
	if in != nil {
		req.Header.Set("Content-Type", contentTypeJSON)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := readBody(resp)
	if err != nil {
		return err
	}
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("status %d: %s", resp.StatusCode, body)
	}
	return json.Unmarshal(body, out)
}

// readBody reads the body at once if its length is known.
func readBody(resp *http.Response) ([]byte, error) {
	if resp.ContentLength < 0 {
		return io.ReadAll(resp.Body)
	}
	body := make([]byte, resp.ContentLength)
	_, err := io.ReadFull(resp.Body, body)
	return body, err
}
