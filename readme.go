// Package countersign is the module's root; it holds the release number and the guide that the server shows.
package countersign

import _ "embed"

// Version is the release that this tree is. docs/develop/versions.md says what it promises, and CHANGELOG.md
// has an entry for it.
const Version = "v0.1.0"

// Readme is README.md.
//
//go:embed README.md
var Readme []byte
