package boltstore_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/countersign-mfa/countersign/internal/store"
	"github.com/countersign-mfa/countersign/internal/store/boltstore"
)

// recordLength is the length of a typical user's record, in bytes.
const recordLength = 800

func fillStore(b *testing.B, s *boltstore.Store, n int) []store.Key {
	b.Helper()
	data := make([]byte, recordLength)
	keys := make([]store.Key, n)
	for i := range keys {
		keys[i] = store.Key{Kind: store.KindUser, ID: rand.Text()}
	}
	for chunk := range slices.Chunk(keys, 100) {
		writes := make([]store.Write, 0, 100)
		for _, key := range chunk {
			writes = append(writes, store.Write{Record: store.Record{Key: key, Data: data}})
		}
		if err := s.Commit(b.Context(), writes); err != nil {
			b.Fatal(err)
		}
	}
	return keys
}

// BenchmarkCommit replaces single records of 10,000, one caller for each, and reports the 99th
// percentile of the commit time.
func BenchmarkCommit(b *testing.B) {
	for _, callers := range []int{1, 8, 64} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
			s := open(b, filepath.Join(b.TempDir(), "store"))
			keys := fillStore(b, s, 10_000)
			benchmarkCommit(b, s, keys, callers)
		})
	}
}

func benchmarkCommit(b *testing.B, s store.Store, keys []store.Key, callers int) {
	b.ReportAllocs()
	var next atomic.Int64
	took := make([]time.Duration, b.N)
	versions := make([]uint64, len(keys))
	for i := range versions {
		versions[i] = 1
	}
	data := make([]byte, recordLength)
	b.ResetTimer()
	var done sync.WaitGroup
	for c := range callers {
		done.Go(func() {
			for k := c; ; k = (k + callers) % (len(keys) - len(keys)%callers) {
				i := next.Add(1) - 1
				if i >= int64(b.N) {
					return
				}
				start := time.Now()
				err := s.Commit(context.Background(), []store.Write{{Record: store.Record{
					Key: keys[k], Version: versions[k], Data: data,
				}}})
				took[i] = time.Since(start)
				if err != nil {
					b.Error(err)
					return
				}
				versions[k]++
			}
		})
	}
	done.Wait()
	b.StopTimer()
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
	b.ReportMetric(float64(len(took))/b.Elapsed().Seconds(), "commits/s")
}

// BenchmarkGet reads a user's and a client's record in a store of 10,000 records.
func BenchmarkGet(b *testing.B) {
	s := open(b, filepath.Join(b.TempDir(), "store"))
	keys := fillStore(b, s, 10_000)
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for i := 0; pb.Next(); i++ {
			if _, err := s.Get(b.Context(), keys[i%len(keys)], keys[(i+1)%len(keys)]); err != nil {
				b.Error(err)
				return
			}
		}
	})
}
