package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/countersign-mfa/countersign/infra/bundle"
	"github.com/countersign-mfa/countersign/infra/plan"
	"github.com/countersign-mfa/countersign/test/lambdalocal"
)

// figuresCmd measures functions, by default those that users wait for most.
type figuresCmd struct {
	Functions []string `arg:"" optional:"" help:"Functions to measure; by default those that check codes and send SMS, and one that does nearly nothing."`
	Starts    int      `default:"20" placeholder:"NUMBER" help:"How many starts and invocations each."`
}

var usual = []string{"environment-get", "session-token-create", "user-totp-verify", "sign-in-second-factor-attempt", "sign-in-second-factor-prepare", "me-totp-create", "users-create", "cleanup", "pages"}

// empty is the source of a bootstrap that does nothing, for the least time that a start takes.
const empty = `package main

import (
	"context"

	"github.com/aws/aws-lambda-go/lambda"
)

func main() { lambda.Start(func(context.Context) (string, error) { return "", nil }) }
`

// figure holds the measurements of one function.
type figure struct {
	name              string
	size, memory      int64
	init, first, warm time.Duration // medians
}

// Run prints a table.
func (f *figuresCmd) Run(ctx context.Context, c *commands) error {
	names := f.Functions
	if len(names) == 0 {
		names = usual
	}
	floor, err := f.floor(ctx)
	if err != nil {
		return err
	}
	if err := sizes(ctx); err != nil {
		return err
	}
	if err := lambdalocal.Build(ctx, ".", binaries, append(slices.Clone(names), "keys-rotate")...); err != nil {
		return err
	}
	d, err := deploy(ctx, c.Dynamo, fixtureKey, io.Discard)
	if err != nil {
		return err
	}
	defer d.Stop()
	fmt.Printf("\n%-34s %9s %9s %7s %9s %9s %9s   (amd64 or what this is; medians of %d)\n", "function", "bootstrap", "init ms", "x empty", "first ms", "warm ms", "peak MB", f.Starts)
	fmt.Printf("%-34s %9s %9.1f %7.1f\n", "an empty handler", "", ms(floor), 1.0)
	for _, name := range names {
		m, err := f.measure(ctx, d, name)
		if err != nil {
			return err
		}
		fmt.Printf("%-34s %9.2f %9.1f %7.1f %9.2f %9.2f %9.1f\n", m.name, mb(m.size), ms(m.init), float64(m.init)/float64(floor), ms(m.first), ms(m.warm), mb(m.memory))
	}
	return nil
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
func mb(n int64) float64         { return float64(n) / 1e6 }

func median(list []time.Duration) time.Duration {
	slices.Sort(list)
	return list[len(list)/2]
}

// sizes prints the sizes of the deployed files: the arm64 bootstraps and their zips.
func sizes(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "figures")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	var names []string
	for _, f := range plan.Functions() {
		names = append(names, f.Name)
	}
	if err := bundle.Build(ctx, ".", "arm64", dir, names...); err != nil {
		return err
	}
	const most, mostZip = 9.5e6, 3.6e6
	fmt.Printf("%-34s %9s %9s\n", "function (arm64)", "bootstrap", "zip MB")
	kept := 0
	for _, name := range names {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			return err
		}
		zip, err := bundle.Zip(filepath.Join(dir, name), filepath.Join(dir, name+".zip"))
		if err != nil {
			return err
		}
		if info.Size() <= most && zip <= mostZip {
			kept++
			continue
		}
		fmt.Printf("%-34s %9.2f %9.2f   over %.1f or %.1f\n", name, mb(info.Size()), mb(zip), most/1e6, mostZip/1e6)
	}
	fmt.Printf("%d of %d are within %.1f MB and %.1f MB zipped\n", kept, len(names), most/1e6, mostZip/1e6)
	return nil
}

// floor returns the median start of an empty handler.
func (f *figuresCmd) floor(ctx context.Context) (time.Duration, error) {
	dir := filepath.Join(binaries, "empty-source")
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return 0, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	file := filepath.Join(dir, "main.go")
	if err := os.WriteFile(file, []byte(empty), 0o600); err != nil {
		return 0, err
	}
	if err := bundle.BuildFile(ctx, file, filepath.Join(binaries, "empty")); err != nil {
		return 0, err
	}
	var starts []time.Duration
	for range f.Starts {
		took, r, err := start(func() (*lambdalocal.Runtime, error) {
			return lambdalocal.Start(ctx, "empty", filepath.Join(binaries, "empty"), nil, io.Discard)
		})
		if err != nil {
			return 0, err
		}
		r.Stop()
		starts = append(starts, took)
	}
	return median(starts), nil
}

func start(begin func() (*lambdalocal.Runtime, error)) (time.Duration, *lambdalocal.Runtime, error) {
	at := time.Now()
	r, err := begin()
	if err != nil {
		return 0, nil, err
	}
	<-r.Polled
	return time.Since(at), r, nil
}

func (f *figuresCmd) measure(ctx context.Context, d *lambdalocal.Deployment, name string) (figure, error) {
	m := figure{name: name}
	info, err := os.Stat(filepath.Join(binaries, name))
	if err != nil {
		return m, err
	}
	m.size = info.Size()
	event, err := os.ReadFile(filepath.Join("events", name+".json")) //nolint:gosec // the operator names the function
	if err != nil || !json.Valid(event) {
		return m, fmt.Errorf("event of %s: %w", name, err)
	}
	var inits, firsts, warms []time.Duration
	for range f.Starts {
		took, r, err := start(func() (*lambdalocal.Runtime, error) { return d.Start(ctx, name) })
		if err != nil {
			return m, err
		}
		inits = append(inits, took)
		for i := range 6 {
			at := time.Now()
			if _, err := r.Invoke(ctx, event); err != nil {
				r.Stop()
				return m, err
			}
			if i == 0 {
				firsts = append(firsts, time.Since(at))
			} else {
				warms = append(warms, time.Since(at))
			}
		}
		m.memory = max(m.memory, r.PeakMemory())
		r.Stop()
	}
	m.init, m.first, m.warm = median(inits), median(firsts), median(warms)
	return m, nil
}
