// Package store holds what every implementation of [mfa.Store] has in common: the rules of a
// commit ([Validate], [Exceeds]), an implementation in memory ([Memory]) that says in the fewest
// lines what the port means, and two wrappers for tests and development, one that fails on
// purpose ([Faulty]) and one that counts ([Counting]).
//
// The conformance suite is in the package storetest, so that no product links the testing package.
//
// # Versions
//
// A replaced record moves to the version after the one that was read. A created record starts
// at a version that no record of its key had before: deleting and creating a record again is a
// change like any other, so a writer that read the record before it was deleted gets
// [mfa.ErrConflict] instead of overwriting its successor.
package store
