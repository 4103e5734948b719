// Package countersign is the module's root: the release number and the documents that the server
// shows.
package countersign

import "embed"

// Version is this tree's release. docs/develop/versions.md says what it promises, and CHANGELOG.md
// has its entry.
const Version = "v0.1.0"

// Docs are README.md and the documents, with their pictures. The development server shows them.
//
//go:embed README.md CHANGELOG.md CONTRIBUTING.md SECURITY.md docs/*.md docs/*/*.md docs/use/pages/*.png
var Docs embed.FS
