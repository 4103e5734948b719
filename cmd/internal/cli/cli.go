// Package cli holds what Countersign's commands share: arguments, help, errors and exit codes.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/countersign-mfa/countersign"
)

// Exit codes of every command.
const (
	exitFailed      = 1
	exitUsage       = 2
	exitInterrupted = 128 + int(syscall.SIGINT)
)

const notes = `Secrets come from the environment, a file or standard input: an argument that carries one is refused.
With --json, where a command has it, results are one object a line on standard output.

Exit codes:
  0    done
  1    failed; standard error says why
  2    the command line is wrong; nothing was done
  130  interrupted`

// Program is one executable.
type Program struct {
	Name, About string
	// Groups orders the commands in the help; the key is the tag of a command.
	Groups []kong.Group
	// Examples are command lines for the top-level help, one a line.
	Examples string
}

// usageError is an error of the command line: the command did nothing.
type usageError struct{ error }

func (u usageError) Unwrap() error { return u.error }

// Usagef returns an error that exits with code 2. A command returns it before it does anything.
func Usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// Main runs the command that the arguments name, and exits.
func Main(p Program, commands any) {
	if code := p.run(commands, os.Args[1:]); code != 0 {
		os.Exit(code)
	}
}

func (p Program) run(commands any, args []string) int {
	parser := p.Parser(commands)
	if len(args) > 0 && args[0] == completeCommand {
		writeLines(os.Stdout, candidates(parser.Model.Node, args[1:]))
		return 0
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	if err := refuseSecrets(args); err != nil {
		return p.report(err)
	}
	parsed, err := parser.Parse(args)
	if err != nil {
		return p.report(Usagef("%w; see %s --help", clearer(parser, args, err), p.Name))
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // the second signal ends the process at once
	parsed.BindTo(ctx, (*context.Context)(nil))
	err = parsed.Run(commands)
	if err != nil && errors.Is(ctx.Err(), context.Canceled) {
		_ = p.report(err)
		return exitInterrupted
	}
	return p.report(err)
}

// Parser builds the parser. NAME in details of commands stands for the program's name.
func (p Program) Parser(commands any) *kong.Kong {
	parser := kong.Must(commands, kong.Name(p.Name), kong.Description(p.About), kong.ExplicitGroups(p.Groups),
		kong.Vars{"version": countersign.Version}, kong.ValueFormatter(describe), kong.Help(p.help),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 100}))
	for _, node := range parser.Model.Leaves(false) {
		node.Detail = strings.ReplaceAll(node.Detail, "NAME", p.Name)
	}
	return parser
}

// report prints an error as one line and returns the exit code.
func (p Program) report(err error) int {
	if err == nil {
		return 0
	}
	fmt.Fprintf(os.Stderr, "%s: %v\n", p.Name, err)
	if wrong := (usageError{}); errors.As(err, &wrong) {
		return exitUsage
	}
	return exitFailed
}

// clearer names the unknown command and the most similar known one.
func clearer(parser *kong.Kong, args []string, err error) error {
	if len(args) == 0 || strings.HasPrefix(args[0], "-") {
		return err
	}
	for _, c := range parser.Model.Children {
		if c.Name == args[0] {
			return err
		}
	}
	text := fmt.Sprintf("unknown command %q", args[0])
	if _, hint, found := strings.Cut(err.Error(), ", did you mean "); found {
		text += ": did you mean " + strings.Trim(hint, "?") + "?"
	}
	return errors.New(text)
}

func writeLines(w io.Writer, lines []string) {
	for _, line := range lines {
		_, _ = fmt.Fprintln(w, line)
	}
}
