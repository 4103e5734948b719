// Package countersign is the module's root: the release number and the guide that the server shows.
package countersign

import _ "embed"

// Version is this tree's release. docs/develop/versions.md says what it promises, and CHANGELOG.md
// has its entry.
const Version = "v0.1.0"

// Readme is README.md.
//
//go:embed README.md
var Readme []byte
