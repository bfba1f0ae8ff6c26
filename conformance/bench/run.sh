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

echo 'Time as a multiple of that of std in the same round, median of all rounds:'
awk -v clients='std http sdk resty oapi' '
	function median(row, client, n, i, j, ratio, sorted) {
		n = rounds[row]
		for (i = 1; i <= n; i++) {
			ratio = time[row, client, i] / time[row, "std", i]
			for (j = i; j > 1 && sorted[j - 1] > ratio; j--) sorted[j] = sorted[j - 1]
			sorted[j] = ratio
		}
		return (sorted[int((n + 1) / 2)] + sorted[int(n / 2) + 1]) / 2
	}
	/ns\/op/ {
		split($1, part, /\/client=|-[0-9]+$/)
		row = part[1]
		if (!(row in rounds)) order[++rows] = row
		if (part[2] == "std") rounds[row]++
		time[row, part[2], rounds[row]] = $3
	}
	END {
		columns = split(clients, column, " ")
		printf "%-20s", ""
		for (c = 1; c <= columns; c++) printf "%8s", column[c]
		print ""
		for (r = 1; r <= rows; r++) {
			name = order[r]; sub(/^Benchmark/, "", name); sub(/\/op=/, " ", name)
			printf "%-20s", name
			for (c = 1; c <= columns; c++) printf "%8.2f", median(order[r], column[c])
			print ""
		}
	}' "$dir/results"
