package appearance

import (
	"embed"
	"encoding/json"
	"strings"
	"sync"
)

//go:embed texts/*.json
var files embed.FS

// Package-level sync.OnceValue would link the catalogue into every program that uses type
// Appearance.
var (
	reading sync.Once
	read    map[string]map[string]string
)

// Texts returns the catalogue: every text by language and key. Callers must not change it.
func Texts() map[string]map[string]string {
	reading.Do(func() { read = readTexts() })
	return read
}

func readTexts() map[string]map[string]string {
	entries, err := files.ReadDir("texts")
	if err != nil {
		panic(err) // the files are embedded
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
