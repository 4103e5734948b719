package main

import (
	"fmt"
	"time"

	"github.com/countersign-mfa/countersign/internal/local"
)

type compactCmd struct {
	Data string `default:".countersign" type:"existingdir" help:"Directory of the data."`
}

// Run compacts.
func (c *compactCmd) Run() error {
	if err := local.Compact(c.Data, time.Now); err != nil {
		return plain(err)
	}
	fmt.Println("What was deleted is gone from the data file.")
	return nil
}
