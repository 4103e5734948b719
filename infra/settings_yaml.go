package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"regexp"
	"strings"

	"gopkg.in/yaml.v3"
)

// decode reads one YAML document into the settings. Its error has a sentence for each wrong key,
// with the key's path, because package yaml names only the line.
func decode(text []byte, into *Settings) error {
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	err := d.Decode(into)
	if errors.Is(err, io.EOF) {
		return errors.New("  the file has no settings; infra/settings.yaml has them all")
	}
	if err != nil {
		return sentences(text, err)
	}
	if err := d.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return errors.New("  the file has more than one YAML document, and only the first would be read")
	}
	var root yaml.Node
	if err := yaml.Unmarshal(text, &root); err != nil || len(root.Content) == 0 {
		return err
	}
	return errors.Join(fractions(root.Content[0], reflect.TypeFor[Settings](), "")...)
}

// fractions returns a sentence for each fraction where the settings have a whole number. Package
// yaml would cut it off.
func fractions(n *yaml.Node, of reflect.Type, path string) []error {
	if of.Kind() == reflect.Pointer {
		of = of.Elem()
	}
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	var wrong []error
	switch {
	case of.Kind() == reflect.Int && n.Tag == "!!float":
		wrong = append(wrong, fmt.Errorf("  %s: %s is not a whole number", path, n.Value))
	case of.Kind() == reflect.Struct && n.Kind == yaml.MappingNode:
		fields := map[string]reflect.Type{}
		for i := range of.NumField() {
			fields[of.Field(i).Tag.Get("yaml")] = of.Field(i).Type
		}
		for i := 0; i+1 < len(n.Content); i += 2 {
			if key := n.Content[i].Value; fields[key] != nil {
				wrong = append(wrong, fractions(n.Content[i+1], fields[key], strings.TrimPrefix(path+"."+key, "."))...)
			}
		}
	}
	return wrong
}

// The errors of package yaml.
var (
	unknownField = regexp.MustCompile(`^line (\d+): field (\S+) not found in type \S+$`)
	doubleKey    = regexp.MustCompile(`^line (\d+): mapping key "(.*)" already defined at line (\d+)$`)
	wrongType    = regexp.MustCompile("(?s)^line (\\d+): cannot unmarshal !!?(\\w+)(?: `(.*)`)? into (\\S+)$")
)

// kindsOf are the words for Go's types and YAML's tags.
var kindsOf = map[string]string{
	"string": "a text", "bool": "true or false", "int": "a whole number", "float64": "a number", "[]string": "a list of texts",
	"str": "a text", "seq": "a list", "map": "a group of settings", "null": "nothing", "float": "a number",
}

func kindOf(name string) string {
	if kind := kindsOf[name]; kind != "" {
		return kind
	}
	return "a group of settings" // the other types are structs of this package
}

// sentences translates an error of package yaml.
func sentences(text []byte, err error) error {
	var wrong *yaml.TypeError
	if !errors.As(err, &wrong) {
		return fmt.Errorf("  %s; the file is not YAML", strings.TrimPrefix(err.Error(), "yaml: "))
	}
	var root yaml.Node
	paths := map[string]string{}
	if yaml.Unmarshal(text, &root) == nil {
		keyPaths(&root, "", paths)
	}
	all := make([]error, len(wrong.Errors))
	for i, line := range wrong.Errors {
		all[i] = errors.New("  " + sentence(line, paths))
	}
	return errors.Join(all...)
}

// sentence translates one line of an error of package yaml.
func sentence(line string, paths map[string]string) string {
	if m := unknownField.FindStringSubmatch(line); m != nil {
		return fmt.Sprintf("line %s: there is no setting %s; infra/settings.yaml has them all", m[1], m[2])
	}
	if m := doubleKey.FindStringSubmatch(line); m != nil {
		return fmt.Sprintf("%s: it stands twice, in lines %s and %s; remove one", m[2], m[3], m[1])
	}
	if m := wrongType.FindStringSubmatch(line); m != nil {
		value := m[3]
		if value == "" {
			value = kindOf(m[2])
		}
		key := paths[m[1]]
		if key == "" { // a key that is no text
			key = "line " + m[1]
		}
		return fmt.Sprintf("%s: %s is not %s", key, strings.Join(strings.Fields(value), " "), kindOf(m[4]))
	}
	return line
}

// keyPaths stores, by line, the path of the first key whose value begins there.
func keyPaths(n *yaml.Node, path string, into map[string]string) {
	block := n.Kind == yaml.MappingNode && n.Style&yaml.FlowStyle == 0 // begins with its first key
	if line := fmt.Sprint(n.Line); into[line] == "" && !block {
		into[line] = path
	}
	if n.Kind == yaml.MappingNode {
		for i := 0; i+1 < len(n.Content); i += 2 {
			keyPaths(n.Content[i+1], strings.TrimPrefix(path+"."+n.Content[i].Value, "."), into)
		}
		return
	}
	for _, child := range n.Content {
		keyPaths(child, path, into)
	}
}
