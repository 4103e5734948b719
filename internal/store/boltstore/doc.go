// Package boltstore keeps records in one file, in process and without any set-up. It implements
// [store.Store] on go.etcd.io/bbolt.
//
// # Durability
//
// [Store.Commit] returns when the change is on disk. Commits that arrive while the disk is busy are
// written together. One goroutine takes all waiting commits, checks and applies them in order in
// one bbolt transaction, and answers them after its fsync. A single commit never waits for others
// to join it.
//
// After a write fails for another reason than a full disk, the store accepts no commits until it is
// opened again. The kernel may have dropped data that it had to keep, so only what is read from
// disk again can be trusted.
//
// # Layout
//
// Times are seconds since 1970 with the sign bit flipped, so that they sort as bytes; 0 means
// never. Numbers have 8 bytes, big endian.
//
//	bucket          key                          value
//	format          version                      "2"
//	kind:<kind>     "." id                       version, expires, data
//	expires         expires, kind, NUL, id       (empty)
//	entries         list, NUL, position          (empty)
//	journal         number of the note           note
//	counters        counter                      sum, expires
//	counters-due    expires, counter             (empty)
//
// The dot is there because bbolt has no empty keys. The sequence number of a kind's bucket is the
// highest version of a deleted record. Created records start above it. A position is an entry's
// rank, kind and id, joined by NUL.
package boltstore
