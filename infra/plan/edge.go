package plan

// CachedByEdge returns the path patterns whose answers CloudFront keeps as long as Cache-Control
// says: the pages' files, whose names change with their content, and the keys that verify session
// tokens. CloudFront sends no cookie, no query and no Authorization there, so an answer is the same
// for every caller.
func CachedByEdge() []string { return []string{"/assets/*", "/.well-known/*"} }

// EdgeErrors returns the statuses of errors that CloudFront would keep for ten seconds, whatever
// Cache-Control says, and that it can be told not to keep: "CloudFront ignores the no-store,
// no-cache, and private directives" for most of them (CloudFront's developer guide, "Control how
// long CloudFront caches errors"). Without cookies in the cache key, a caller would get another
// caller's error.
func EdgeErrors() []int { return []int{400, 403, 404, 405, 414, 500, 501, 502, 503, 504} }
