package main

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/xsky-storage/xms-client-go/conformance/bench"
)

// names are the calls, and contestants the clients that stand beside std, in the order of the page.
var (
	names       = []string{"get", "create", "list 100", "list 10,000", "get over TLS"}
	contestants = []struct{ name, title string }{
		{"sdk", "this SDK"}, {"oapi", "oapi-codegen"}, {"ogen", "ogen"}, {"again", "`std` again"},
	}
)

// spread is a ratio with the usual shape, and the least and the greatest with any other.
type spread struct{ usual, least, greatest float64 }

// ratios returns false if the call was not measured.
func ratios(results bench.Results, call, contestant string) (found spread, ok bool) {
	for _, c := range results.Calls {
		ratio := c.Ratios[contestant]
		switch {
		case c.Call != call:
		case c.Shape == bench.Shapes()[0].Name:
			found.usual, ok = ratio, true
		default:
			found.greatest = max(found.greatest, ratio)
			if found.least == 0 || ratio < found.least {
				found.least = ratio
			}
		}
	}
	return found, ok
}

// usual returns the results of a call with the usual shape.
func usual(results bench.Results, call string) bench.CallResult {
	i := slices.IndexFunc(results.Calls, func(c bench.CallResult) bool {
		return c.Call == call && c.Shape == bench.Shapes()[0].Name
	})
	if i < 0 {
		return bench.CallResult{}
	}
	return results.Calls[i]
}

// calls returns a table for each version of Go.
func calls(versions []bench.Results) string {
	var tables []string
	for _, results := range versions {
		rows := [][]string{append([]string{title(results.Go)}, names...)}
		for _, contestant := range contestants {
			row := []string{contestant.title}
			for _, name := range names {
				row = append(row, ratioCell(results, name, contestant.name))
			}
			rows = append(rows, row)
		}
		took, allocations := []string{"`std` takes"}, []string{"allocations: `std`, SDK, oapi-codegen, ogen"}
		for _, name := range names {
			result := usual(results, name)
			took = append(took, microseconds(result.Seconds))
			a := result.Allocations
			allocations = append(allocations, fmt.Sprintf("%s, %s, %s, %s",
				thousands(a["std"]), thousands(a["sdk"]), thousands(a["oapi"]), thousands(a["ogen"])))
		}
		tables = append(tables, table(append(rows, took, allocations)))
	}
	return strings.Join(tables, "\n")
}

func ratioCell(results bench.Results, call, contestant string) string {
	r, ok := ratios(results, call, contestant)
	switch {
	case !ok:
		return ""
	case r.greatest == 0:
		return fmt.Sprintf("**%.2f**", r.usual)
	}
	return fmt.Sprintf("**%.2f** (%.2f–%.2f)", r.usual, r.least, r.greatest)
}

func callers(versions []bench.Results) string {
	rows := [][]string{{"", "callers", "this SDK", "`std`", "ogen, tuned"}}
	for _, results := range versions {
		for _, c := range results.Callers {
			rows = append(rows, []string{
				title(results.Go), thousands(c.Callers),
				rounded(c.PerSecond["sdk"]), rounded(c.PerSecond["std"]), rounded(c.PerSecond["tuned"]),
			})
		}
	}
	return table(rows)
}

func memory(versions []bench.Results) string {
	rows := [][]string{{"", "`std`", "this SDK", "oapi-codegen", "ogen"}}
	for _, results := range versions {
		row := []string{title(results.Go)}
		for _, contestant := range bench.Contestants() {
			row = append(row, fmt.Sprintf("%.0f MB", results.Peak[contestant.Name]/1e6))
		}
		rows = append(rows, row)
	}
	return table(rows)
}

func imports(results bench.ImportResults) string {
	rows := [][]string{
		{title(results.Go), "`std`", "this SDK", "oapi-codegen", "ogen"},
		{"binary, packages"}, {"build with an empty cache"}, {"one call, process and all"},
	}
	for _, contestant := range bench.Contestants() {
		p := results.Programs[contestant.Name]
		rows[1] = append(rows[1], fmt.Sprintf("%.1f MB, %d", float64(p.Bytes)/1e6, p.Packages))
		rows[2] = append(rows[2], fmt.Sprintf("%.0f s", p.Build))
		rows[3] = append(rows[3], fmt.Sprintf("%.1f ms", p.Run*1e3))
	}
	return table(rows)
}

// table returns a table of Markdown whose head is the first row.
func table(rows [][]string) string {
	var out strings.Builder
	for i, row := range rows {
		fmt.Fprintf(&out, "| %s |\n", strings.Join(row, " | "))
		if i == 0 {
			out.WriteString(strings.Repeat("| --- ", len(row)) + "|\n")
		}
	}
	return out.String()
}

func title(version string) string { return "Go " + strings.TrimPrefix(version, "go") }

func microseconds(seconds float64) string {
	d := time.Duration(seconds * float64(time.Second))
	if d >= time.Millisecond {
		return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond))
	}
	return fmt.Sprintf("%.0f µs", float64(d)/float64(time.Microsecond))
}

// rounded returns a rate with its first two digits.
func rounded(rate float64) string {
	if rate < 1 {
		return "0"
	}
	unit := math.Pow(10, max(0, math.Floor(math.Log10(rate))-1))
	return thousands(uint64(math.Round(rate/unit) * unit))
}

// thousands returns a number with a comma between each three digits.
func thousands(n uint64) string {
	if n < 1000 {
		return strconv.FormatUint(n, 10)
	}
	return fmt.Sprintf("%s,%03d", thousands(n/1000), n%1000)
}
