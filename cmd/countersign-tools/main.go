// Command countersign-tools attacks, measures and migrates deployments of Countersign. The server
// links none of it.
package main

import (
	"github.com/alecthomas/kong"

	"github.com/countersign-mfa/countersign/cmd/internal/cli"
)

type commands struct {
	Smoke       smokeCmd         `cmd:"" group:"try" help:"Try a deployment with a throw-away user: enrol an authenticator app, sign in with it, and send a real SMS if asked."`
	Attack      attackCmd        `cmd:"" group:"try" help:"Try known attacks on a deployment, with throw-away users."`
	Load        loadCmd          `cmd:"" group:"try" help:"Measure a server of its own on this machine."`
	Seed        seedCmd          `cmd:"" group:"try" help:"Fill a data directory with users, for tests and measurements."`
	Scale       scaleCmd         `cmd:"" group:"try" help:"Measure servers of its own with few and with many users."`
	GuessPolicy guessPolicyCmd   `cmd:"" group:"guess" help:"Compute the chance that an attacker with the password guesses the second factor."`
	Simulate    simulateCmd      `cmd:"" group:"guess" help:"Guess at an account of the real API, over every path, and count the guesses that are compared."`
	Export      exportCmd        `cmd:"" group:"aws" help:"Move users out of a deployment in AWS, into a file encrypted with age."`
	Import      importCmd        `cmd:"" group:"aws" help:"Move users of an export into a deployment in AWS."`
	Preflight   preflightCmd     `cmd:"" group:"aws" help:"Ask an AWS account whether a deployment would succeed."`
	Restore     restoreCmd       `cmd:"" group:"aws" help:"Restore a deployment's table from a backup, into a new table."`
	Completion  cli.Completion   `cmd:"" group:"shell" help:"Print the completion script of a shell."`
	Version     kong.VersionFlag `help:"Print the version."`
}

var program = cli.Program{
	Name:  "countersign-tools",
	About: "Try, measure and move deployments of Countersign.",
	Groups: []kong.Group{
		{Key: "try", Title: "Try a deployment"},
		{Key: "guess", Title: "Chance of a guess"},
		{Key: "aws", Title: "Deployments in AWS"},
		{Key: "shell", Title: "Shell"},
	},
	Examples: `
countersign-tools smoke http://localhost:8080
COUNTERSIGN_SECRET_KEY=… countersign-tools smoke https://auth.example.com
countersign-tools attack --only B --junit attacks.xml http://localhost:8080
countersign-tools guess-policy
countersign-tools export --table … --kms-key … --recipient age1… users.age
countersign-tools restore --table … --to countersign-restored
`,
}

func main() { cli.Main(program, &commands{}) }
