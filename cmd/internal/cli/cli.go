// Package cli holds what Countersign's commands share: arguments, help, errors and exit codes.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
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
	switch {
	case len(args) == 0:
		args = []string{"--help"}
	case args[0] == "help":
		args = append(args[1:], "--help")
	case args[0] == "version":
		args = []string{"--version"}
	}
	if err := refuseSecrets(args); err != nil {
		return p.report(err)
	}
	parsed, err := parser.Parse(args)
	if err != nil {
		return p.report(clearer(parser.Model.Node, args, err))
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

// placeholder is how kong begins an error about an argument.
var placeholder = regexp.MustCompile(`^<\w+>: (stat )?`)

// clearer returns the error of a command line. It names an unknown command and the known ones,
// shows no argument that may be a secret, and says which help has the rest.
func clearer(node *kong.Node, args []string, err error) error {
	word := ""
	for _, word = range args {
		child := childOf(node, word)
		if child == node {
			break
		}
		node = child
	}
	text := placeholder.ReplaceAllString(err.Error(), "")
	switch _, hint, similar := strings.Cut(text, ", did you mean "); {
	case len(node.Children) > 0 && !strings.HasPrefix(word, "-") && word != node.Name:
		_, parent, _ := strings.Cut(node.FullPath()+" ", " ")
		text = fmt.Sprintf("unknown command %q", parent+word)
		if similar {
			text += " (did you mean " + strings.Trim(hint, "?") + "?)"
		} else if parent != "" {
			text += ": there are " + strings.Join(candidates(node, nil), ", ")
		}
	case strings.HasPrefix(text, "unexpected argument"):
		text = "there is one argument too many; a secret must not be an argument, because every process of this machine can read arguments"
	}
	return Usagef("%s; see %s --help", text, node.FullPath())
}

func writeLines(w io.Writer, lines []string) {
	for _, line := range lines {
		_, _ = fmt.Fprintln(w, line)
	}
}
