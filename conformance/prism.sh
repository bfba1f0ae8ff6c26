#!/usr/bin/env bash
# Runs the SDK against Prism, which nobody here wrote: as a mock that serves docs/openapi.yaml, and as a judge of what passes
# between the SDK and cmd/xms-testserver. Needs Node.js; without it nothing is checked, which STRICT=1 makes a failure.
set -euo pipefail
cd "$(dirname "$0")"

if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
	echo "prism: Node.js with npm not found: nothing was checked"
	test -z "${STRICT:-}"
	exit
fi
if [ package-lock.json -nt node_modules/.package-lock.json ]; then
	npm ci --loglevel=error
fi
bin="$(mktemp -d)"
trap 'rm -rf "$bin"' EXIT
${GO:-go} build -o "$bin" ./prism github.com/xsky-storage/xms-client-go/cmd/xms-testserver
"$bin/prism" -prism node_modules/.bin/prism -document ../docs/openapi.yaml -testserver "$bin/xms-testserver"
