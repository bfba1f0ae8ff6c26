// Command importing measures programs that import one of the clients and make one call: their size,
// the packages that they compile, what building them without a cache takes, and what running them
// does. Run it in the directory of the module.
//
// std, the first of them, is built with an empty cache. Each of the others is built with a copy of
// what std left there, and takes the time of both.
package main

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/xsky-storage/xms-client-go/conformance/bench"
)

const runs = 31

func main() {
	save := flag.String("save", "", "write the results to this `file`")
	flag.Parse()
	results, err := measure(context.Background())
	if err == nil && *save != "" {
		err = bench.Save(*save, results)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "importing:", err)
		os.Exit(1)
	}
}

func measure(ctx context.Context) (results bench.ImportResults, err error) {
	dir, err := os.MkdirTemp("", "importing")
	if err != nil {
		return results, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	results = bench.ImportResults{Go: runtime.Version(), Programs: map[string]bench.Program{}}
	contestants := bench.Contestants()
	for i, contestant := range contestants {
		program, err := build(ctx, dir, contestant.Name)
		if err != nil {
			return results, err
		}
		if i > 0 {
			program.Build += results.Programs[contestants[0].Name].Build
		}
		results.Programs[contestant.Name] = program
	}
	server := httptest.NewServer(bench.NewServer(bench.Shapes()[0], 1))
	defer server.Close()
	took := map[string][]float64{}
	for range runs {
		for _, i := range rand.Perm(len(contestants)) {
			name := contestants[i].Name
			program := exec.CommandContext(ctx, filepath.Join(dir, name), server.URL+"/v1", "key")
			seconds, err := processorTime(program)
			if err != nil {
				return results, err
			}
			took[name] = append(took[name], seconds)
		}
	}
	for name, program := range results.Programs {
		slices.Sort(took[name])
		program.Run = took[name][runs/2]
		results.Programs[name] = program
		fmt.Printf("%-6s%+v\n", name, program)
	}
	return results, nil
}

// build compiles a program into a directory, with a cache of its own: a copy of that of std if that
// has been built.
func build(ctx context.Context, dir, name string) (program bench.Program, err error) {
	source, binary := "./bench/importing/"+name, filepath.Join(dir, name)
	packages, err := exec.CommandContext(ctx, "go", "list", "-deps", source).Output()
	if err != nil {
		return program, err
	}
	first, cache := filepath.Join(dir, "cache-"+bench.Contestants()[0].Name), filepath.Join(dir, "cache-"+name)
	if _, err := os.Stat(first); err == nil {
		if err := os.CopyFS(cache, os.DirFS(first)); err != nil {
			return program, err
		}
	}
	compile := exec.CommandContext(ctx, "go", "build", "-o", binary, source)
	compile.Env = append(os.Environ(), "GOCACHE="+cache)
	if program.Build, err = processorTime(compile); err != nil {
		return program, err
	}
	info, err := os.Stat(binary)
	if err != nil {
		return program, err
	}
	program.Bytes, program.Packages = int(info.Size()), strings.Count(string(packages), "\n")
	return program, nil
}

// processorTime runs a command and returns what it and its children used, in seconds.
func processorTime(command *exec.Cmd) (float64, error) {
	if output, err := command.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("%w: %s", err, output)
	}
	return (command.ProcessState.UserTime() + command.ProcessState.SystemTime()).Seconds(), nil
}
