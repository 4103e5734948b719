// Package countersign is the module's root; it holds the guide that the server shows.
package countersign

import _ "embed"

// Readme is README.md.
//
//go:embed README.md
var Readme []byte
