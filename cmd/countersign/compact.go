package main

import (
	"time"

	"github.com/countersign-mfa/countersign/cmd/internal/cli"
	"github.com/countersign-mfa/countersign/internal/local"
)

type compactCmd struct {
	Data     string `env:"COUNTERSIGN_DATA" default:".countersign" type:"existingdir" placeholder:"DIR" help:"Directory of the data. Stop its server first."`
	cli.JSON `embed:""`
}

// Help implements [kong.HelpProvider].
func (compactCmd) Help() string {
	return `Deleted records stay in the file until others take their place. This command copies the file without
them and overwrites the old one, so it needs as much room again; 100 MB take a few seconds.

  NAME compact --data /srv/mfa`
}

// compacted is the JSON result.
type compacted struct {
	Data string `json:"data"`
}

// Run compacts.
func (c *compactCmd) Run() error {
	progress := cli.NewProgress()
	stop := progress.Tick("compacting")
	err := local.Compact(c.Data, time.Now)
	stop()
	if err != nil {
		return plain(c.Data, err)
	}
	c.Print(compacted{c.Data}, "Deleted data is gone from the data file.\n")
	return nil
}
