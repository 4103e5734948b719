package clitest

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/alecthomas/kong"
)

// secrets match names of flags that carry a secret, unless the flag names a file or a KMS key.
var secrets = regexp.MustCompile(`secret|password|token|identity|key$`)

// Wrong returns the flags and commands of a program with incomplete help, and the flags that take a
// secret.
func Wrong(parser *kong.Kong) []string {
	var all []string
	for _, node := range parser.Model.Leaves(false) {
		command := node.FullPath()
		if node.Parent.Type == kong.ApplicationNode && node.Group == nil || !strings.HasSuffix(node.Help, ".") {
			all = append(all, command+" has no group or no help")
		}
		for _, flags := range node.AllFlags(false) {
			for _, f := range flags {
				flag := command + " --" + f.Name
				if !strings.HasSuffix(f.Help, ".") || !f.IsBool() && f.PlaceHolder == "" {
					all = append(all, fmt.Sprintf("%s does not say what it takes: %q", flag, f.Help))
				}
				if secrets.MatchString(f.Name) && f.PlaceHolder != "FILE" && f.PlaceHolder != "ARN" {
					all = append(all, flag+" takes a secret")
				}
			}
		}
	}
	return all
}
