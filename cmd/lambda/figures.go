package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
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

// usual are measured where the operator names none. The first ones are those of a sign-in and of a
// check, which users wait for.
var usual = append(slices.Clone(waited), "me-totp-create", "users-create", "cleanup", "pages")

// waited are the functions that must keep within mostTimes. Others hash passwords, list or clean.
var waited = append(slices.Clone(plan.SignIn), "user-totp-verify")

// floor is the source of the least honest function: an empty handler with one request to the table.
const floor = `package main

import (
	"context"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

func main() {
	client := dynamodb.NewFromConfig(aws.Config{
		Region: os.Getenv("AWS_REGION"), BaseEndpoint: aws.String(os.Getenv("AWS_ENDPOINT_URL")),
		Credentials: credentials.NewStaticCredentialsProvider(os.Getenv("AWS_ACCESS_KEY_ID"), os.Getenv("AWS_SECRET_ACCESS_KEY"), ""),
	})
	lambda.Start(func(ctx context.Context) (string, error) {
		_, err := client.GetItem(ctx, &dynamodb.GetItemInput{
			TableName: aws.String(os.Getenv("COUNTERSIGN_TABLE")), ConsistentRead: aws.Bool(true),
			Key: map[string]types.AttributeValue{"pk": &types.AttributeValueMemberS{Value: "none"}},
		})
		return "", err
	})
}
`

// figure holds the measurements of one function.
type figure struct {
	name              string
	size, memory      int64
	init, first, warm time.Duration // medians
}

// sum is the time of a start and two invocations. It counts the requests that a start makes ahead
// of the first invocation.
func (f figure) sum() time.Duration { return f.init + f.first + f.warm }

// mostTimes is how much longer a start and two invocations may take than those of the floor.
const mostTimes = 2.5

// Run prints a table. It fails when a function of a sign-in or a check takes more than mostTimes of
// the floor.
func (f *figuresCmd) Run(ctx context.Context, c *commands) error {
	names := f.Functions
	if len(names) == 0 {
		names = usual
	}
	if err := sizes(ctx, f.Functions); err != nil {
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
	least, err := f.floor(ctx, d)
	if err != nil {
		return err
	}
	fmt.Printf("\n%-34s %9s %9s %9s %9s %9s %9s %9s   (%s; medians of %d)\n", "function", "bootstrap", "init ms", "first ms", "warm ms", "sum ms", "x floor", "peak MB", runtime.GOARCH, f.Starts)
	least.print(least)
	var slow []string
	for _, name := range names {
		m, err := f.measure(ctx, d, name)
		if err != nil {
			return err
		}
		if m.print(least) > mostTimes && slices.Contains(waited, name) {
			slow = append(slow, name)
		}
	}
	if len(slow) > 0 {
		return fmt.Errorf("more than %.1f times the floor: %s", mostTimes, strings.Join(slow, ", "))
	}
	return nil
}

// print prints the row of a function and returns its time as a multiple of the least.
func (f figure) print(least figure) float64 {
	times := float64(f.sum()) / float64(least.sum())
	fmt.Printf("%-34s %9.2f %9.1f %9.2f %9.2f %9.1f %9.2f %9.1f\n", f.name, mb(f.size), ms(f.init), ms(f.first), ms(f.warm), ms(f.sum()), times, mb(f.memory))
	return times
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
func mb(n int64) float64         { return float64(n) / 1e6 }

func median(list []time.Duration) time.Duration {
	slices.Sort(list)
	return list[len(list)/2]
}

// sizes prints the sizes of the deployed files that are too large: the arm64 bootstraps and their
// zips, of the named functions or of all.
func sizes(ctx context.Context, names []string) error {
	dir, err := os.MkdirTemp("", "figures")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if len(names) == 0 {
		for _, f := range plan.Functions() {
			names = append(names, f.Name)
		}
	}
	if err := bundle.Build(ctx, ".", "arm64", dir, names...); err != nil {
		return err
	}
	const most, mostPages, mostZip = 9.5e6, 10e6, 3.6e6
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
		if name == string(plan.Pages) && info.Size() > mostPages {
			return fmt.Errorf("%s: the bootstrap has %.2f MB, at most %.1f", name, mb(info.Size()), mostPages/1e6)
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

// floor measures the floor in the same deployment.
func (f *figuresCmd) floor(ctx context.Context, d *lambdalocal.Deployment) (figure, error) {
	const name = "floor"
	dir := filepath.Join(binaries, name+"-source")
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return figure{}, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	file := filepath.Join(dir, "main.go")
	if err := os.WriteFile(file, []byte(floor), 0o600); err != nil {
		return figure{}, err
	}
	if err := bundle.BuildFile(ctx, file, filepath.Join(binaries, name)); err != nil {
		return figure{}, err
	}
	env := d.Environment("user-totp-verify") // any function's has the table
	return f.time(ctx, figure{name: "floor: one request to the table"}, name, []byte("{}"), func() (*lambdalocal.Runtime, error) {
		return lambdalocal.Start(ctx, name, filepath.Join(binaries, name), env, io.Discard)
	})
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
	m, fixture := figure{name: name}, name
	if name == string(plan.Pages) {
		fixture += ".sign-in" // the other fixture is the API reference, which few visit
	}
	event, err := os.ReadFile(filepath.Join("events", fixture+".json")) //nolint:gosec // the operator names the function
	if err != nil || !json.Valid(event) {
		return m, fmt.Errorf("event of %s: %w", name, err)
	}
	return f.time(ctx, m, name, event, func() (*lambdalocal.Runtime, error) { return d.Start(ctx, name) })
}

// time starts a bootstrap several times and invokes it with the event.
func (f *figuresCmd) time(ctx context.Context, m figure, binary string, event []byte, begin func() (*lambdalocal.Runtime, error)) (figure, error) {
	info, err := os.Stat(filepath.Join(binaries, binary))
	if err != nil {
		return m, err
	}
	m.size = info.Size()
	var inits, firsts, warms []time.Duration
	for range f.Starts {
		took, r, err := start(begin)
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
