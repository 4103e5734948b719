package appearance

import (
	"embed"
	"encoding/json"
	"strings"
	"sync"
)

//go:embed texts/*.json
var files embed.FS

// A sync.OnceValue would be simpler, and would put the texts into every program that knows the type Appearance.
var (
	reading sync.Once
	read    map[string]map[string]string
)

// Texts is the catalogue: every text by language and key. Nobody may change it.
func Texts() map[string]map[string]string {
	reading.Do(func() { read = readTexts() })
	return read
}

func readTexts() map[string]map[string]string {
	entries, err := files.ReadDir("texts")
	if err != nil {
		panic(err) // it is part of the program
	}
	all := map[string]map[string]string{}
	for _, entry := range entries {
		raw, err := files.ReadFile("texts/" + entry.Name())
		texts := map[string]string{}
		if err == nil {
			err = json.Unmarshal(raw, &texts)
		}
		if err != nil {
			panic(err)
		}
		all[strings.TrimSuffix(entry.Name(), ".json")] = texts
	}
	return all
}
