// Package boltstore keeps records in one file, in process and without any set-up. It implements
// [mfa.Store] on go.etcd.io/bbolt.
//
// # Durability
//
// [Store.Commit] returns when the change is on disk. Commits that arrive while the disk is busy are
// written together: one goroutine takes all that wait, checks and applies them one after the other in
// one bbolt transaction, and answers them after its fsync. Nobody waits for company, so a lone
// caller pays nothing for it.
//
// After a write that fails for another reason than a full disk, the store answers no more
// commits until it is opened again: the kernel may have dropped data that it was told to keep,
// and only what is read from the disk anew can be trusted.
//
// # Layout
//
// Times are seconds since 1970 with the sign bit flipped, so that they sort as bytes; 0 stands for never.
// Numbers have 8 bytes, the highest first.
//
//	bucket          key                          value
//	format          version                      "1"
//	kind:<kind>     "." id                       version, expires, data
//	expires         expires, kind, NUL, id       (empty)
//	counters        budget                       sum, expires
//	counters-due    expires, budget              (empty)
//
// The dot is there because bbolt knows no empty keys. The sequence number of a kind's bucket is the
// highest version of a record that was deleted from it; created records start above it.
package boltstore
