#!/usr/bin/env bash
# Runs the benchmarks of all clients in turns, round after round, and prints them side by side: what each takes, and how that
# compares with std, the first column. Go and its version are those of the environment; so are these:
#   ROUNDS     how often each benchmark runs (6)
#   BENCHTIME  how long each time (0.5s)
#   BENCH      which benchmarks, as for go test -bench (Stub|Loopback)
set -euo pipefail
cd "$(dirname "$0")"
go=${GO:-go}
rounds=${ROUNDS:-6}

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"$go" test -c -o "$dir/bench.test" .
for ((round = 1; round <= rounds; round++)); do
	echo "round $round of $rounds" >&2
	"$dir/bench.test" -test.run '^$' -test.bench "${BENCH:-Stub|Loopback}" -test.benchtime "${BENCHTIME:-0.5s}" >>"$dir/results"
done

benchstat() {
	"$go" tool -modfile=../../tools/go.mod benchstat -col '/client@(std http sdk resty oapi)' -row '.name /op' "$@" "$dir/results"
}
"$go" version
benchstat

echo 'Median times as multiples of that of std:'
benchstat -filter '.unit:sec/op' -format csv | awk -F, '
	$2 == "std" { for (i = 2; i <= NF; i++) if ($i != "") columns[++count] = i
		printf "%-20s", ""; for (c = 1; c <= count; c++) printf "%8s", $columns[c]; print ""; next }
	count && $2 + 0 > 0 && $1 != "geomean" {
		printf "%-20s", $1; for (c = 1; c <= count; c++) printf "%8.2f", $columns[c] / $2; print "" }'
