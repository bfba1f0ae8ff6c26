package bench

import (
	"encoding/json"
	"os"
)

// Results is what compare measures with one version of Go. Contestants go by their names.
type Results struct {
	Go      string
	Calls   []CallResult
	Callers []CallersResult
	Peak    map[string]float64 // of the heap, in bytes
}

// CallResult is what one call costs with one shape of answers.
type CallResult struct {
	Call, Shape string
	Seconds     float64            // processor time that std takes
	Ratios      map[string]float64 // of processor time, to that of std
	Allocations map[string]uint64
}

// CallersResult is how many calls a second many callers get done.
type CallersResult struct {
	Callers   uint64
	PerSecond map[string]float64
}

// ImportResults is what importing measures.
type ImportResults struct {
	Go       string
	Programs map[string]Program
}

// Program is a program that makes one call.
type Program struct {
	Bytes, Packages int
	Build, Run      float64 // processor time in seconds; Build begins with an empty cache
}

// Save writes results to a file.
func Save(file string, results any) error {
	text, err := json.MarshalIndent(results, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(text, '\n'), 0o644)
}

// Load reads the results in a file.
func Load(file string, results any) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, results)
}
