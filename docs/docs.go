// Package docs holds the generated description that the server shows.
package docs

import _ "embed"

// OpenAPI is the OpenAPI document, generated from the table of routes.
//
//go:embed openapi.yaml
var OpenAPI []byte
