package cli

import (
	"fmt"
	"strings"

	"github.com/alecthomas/kong"
)

// help prints kong's help. For the whole program it adds examples, exit codes and what all commands
// share.
func (p Program) help(options kong.HelpOptions, ctx *kong.Context) error {
	if err := kong.DefaultHelpPrinter(options, ctx); err != nil {
		return err
	}
	if ctx.Selected() == nil {
		_, err := fmt.Fprintf(ctx.Stdout, "\nExamples:\n%s\n\n%s\n", indent(p.Examples), notes)
		return err
	}
	return nil
}

func indent(text string) string {
	return "  " + strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n  ")
}

// describe returns the help of a flag or argument, with its default and its environment variable.
func describe(v *kong.Value) string {
	var notes []string
	if v.HasDefault && v.Default != "" {
		notes = append(notes, "default "+v.Default)
	}
	if v.Tag != nil {
		for _, env := range v.Tag.Envs {
			notes = append(notes, "$"+env)
		}
	}
	if len(notes) == 0 {
		return v.Help
	}
	return fmt.Sprintf("%s (%s)", v.Help, strings.Join(notes, ", "))
}
