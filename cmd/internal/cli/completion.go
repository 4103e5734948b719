package cli

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// completeCommand is the hidden command that the shells' scripts call, with the words before the
// cursor.
const completeCommand = "__complete"

// Completion prints the script that makes a shell complete commands and flags.
type Completion struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish."`
}

// Help implements [kong.HelpProvider]. NAME stands for the program's name.
func (Completion) Help() string {
	return `In the start file of the shell:

  bash, ~/.bashrc: eval "$(NAME completion bash)"
  zsh, ~/.zshrc after compinit: eval "$(NAME completion zsh)"
  fish, ~/.config/fish/config.fish: NAME completion fish | source`
}

// completionScripts call the program, under the path that was typed, at each press of the
// completion key. NAME stands for the program's name.
var completionScripts = map[string]string{
	"bash": `_NAME() {
	local IFS=$'\n'
	COMPREPLY=($("${COMP_WORDS[0]}" __complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o default -F _NAME NAME
`,
	"zsh": `_NAME() {
	local -a found
	found=(${(f)"$("$words[1]" __complete "${(@)words[2,CURRENT]}" 2>/dev/null)"})
	if (( $#found )); then compadd -- $found; else _files; fi
}
compdef _NAME NAME
`,
	"fish": `complete -c NAME -a '(set -l w (commandline -opc); $w[1] __complete $w[2..-1] (commandline -ct))'
`,
}

// Run prints the script.
func (c *Completion) Run(app *kong.Kong) error {
	_, err := fmt.Fprint(os.Stdout, strings.ReplaceAll(completionScripts[c.Shell], "NAME", app.Model.Name))
	return err
}

// candidates returns the words that may replace the last one. If there are none, the shell
// completes file names.
func candidates(node *kong.Node, words []string) []string {
	if len(words) == 0 {
		words = []string{""}
	}
	last, value := words[len(words)-1], (*kong.Flag)(nil)
	for _, word := range words[:len(words)-1] {
		flag := flagOf(node, word)
		switch {
		case value != nil:
			value = nil
		case flag != nil && !flag.IsBool() && !strings.Contains(word, "="):
			value = flag
		case flag == nil:
			node = childOf(node, word)
		}
	}
	var all []string
	switch {
	case value != nil:
		all = enumOf(value.Value)
	case strings.HasPrefix(last, "-"):
		for _, group := range node.AllFlags(true) {
			for _, flag := range group {
				all = append(all, "--"+flag.Name)
			}
		}
	default:
		for _, child := range node.Children {
			if !child.Hidden {
				all = append(all, child.Name)
			}
		}
		for _, arg := range node.Positional {
			all = append(all, enumOf(arg)...)
		}
	}
	return slices.DeleteFunc(all, func(s string) bool { return !strings.HasPrefix(s, last) })
}

func enumOf(v *kong.Value) []string {
	if v.Enum == "" {
		return nil
	}
	return v.EnumSlice()
}

func flagOf(node *kong.Node, word string) *kong.Flag {
	name, _, _ := strings.Cut(strings.TrimPrefix(word, "--"), "=")
	for _, group := range node.AllFlags(false) {
		for _, flag := range group {
			if strings.HasPrefix(word, "--") && flag.Name == name {
				return flag
			}
		}
	}
	return nil
}

// childOf returns the command that a word selects, or the node itself.
func childOf(node *kong.Node, word string) *kong.Node {
	for _, child := range node.Children {
		if child.Name == word {
			return child
		}
	}
	return node
}
