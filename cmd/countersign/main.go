// Command countersign is a server for multi-factor authentication, with tools for its operator.
package main

import (
	"github.com/alecthomas/kong"

	"github.com/countersign-mfa/countersign/cmd/internal/cli"
)

type commands struct {
	Serve      serveCmd         `cmd:"" group:"server" help:"Run everything on this machine, with an embedded store and demo users."`
	Doctor     doctorCmd        `cmd:"" group:"server" help:"Check a server that runs: clock, key, settings, an application's origin and cookies."`
	Code       codeCmd          `cmd:"" group:"server" help:"Play an authenticator app: print the code of a secret given on standard input."`
	Users      usersCmd         `cmd:"" group:"people" help:"Help users of a server that runs."`
	Import     importCmd        `cmd:"" group:"data" help:"Move users in, from Clerk or from another Countersign."`
	Export     exportCmd        `cmd:"" group:"data" help:"Move users out, with all their factors, into a file encrypted with age."`
	Compact    compactCmd       `cmd:"" group:"data" help:"Rewrite a data directory without deleted data."`
	Completion cli.Completion   `cmd:"" group:"shell" help:"Print the completion script of a shell."`
	Version    kong.VersionFlag `help:"Print the version."`
}

var program = cli.Program{
	Name:  "countersign",
	About: "Multi-factor authentication that a team owns.",
	Groups: []kong.Group{
		{Key: "server", Title: "Server"},
		{Key: "people", Title: "Users of a server that runs"},
		{Key: "data", Title: "Data"},
		{Key: "shell", Title: "Shell"},
	},
	Examples: `
countersign serve                                    # on http://localhost:8080, data in .countersign
countersign serve --listen localhost:9090 --data /srv/mfa
countersign doctor --app-url http://localhost:3000
countersign users show ada@example.com
countersign import --dry-run users.jsonl             # tells what an import would do
countersign export --recipient age1… users.age
echo "$SECRET" | countersign code
`,
}

func main() { cli.Main(program, &commands{}) }
