package xmsclient

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// maxTokenFile bounds what is read of a token file: enough for any token, and an end to the reading of a wrong file.
const maxTokenFile = 64 << 10

// TokenFromFile returns a TokenSource that reads the token from the file at path, such as a mounted secret, without the white
// space around it. The file is read for each attempt, which costs microseconds, so a change takes effect with the next one,
// however the file was replaced.
//
// Nothing is read before the first call. A file that cannot be read, is empty or is larger than 64 KiB makes calls fail with a
// *RequestError that names the file; errors.Is finds the file system's error, such as fs.ErrNotExist. To write the file, write
// another one beside it and rename that, so that no reader sees half a token.
func TokenFromFile(path string) TokenSource {
	return TokenSourceFunc(func(context.Context) (string, error) {
		token, err := readTokenFile(path)
		if err != nil {
			return "", fmt.Errorf("token file %s: %w", path, err)
		}
		return token, nil
	})
}

func readTokenFile(path string) (string, error) {
	file, err := os.Open(path) // #nosec G304,G703 -- reading the file that the caller names is the purpose
	if pathErr := (*os.PathError)(nil); errors.As(err, &pathErr) {
		return "", pathErr.Err
	}
	if err != nil {
		return "", err
	}
	defer func() { _ = file.Close() }()
	content, err := io.ReadAll(io.LimitReader(file, maxTokenFile+1))
	if err != nil {
		return "", errors.Unwrap(err)
	}
	token := strings.TrimSpace(string(content))
	switch {
	case len(content) > maxTokenFile:
		return "", errors.New("is too large to hold just a token")
	case token == "":
		return "", errors.New("is empty")
	}
	return token, nil
}
