package bundle_test

import (
	"archive/zip"
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/countersign-mfa/countersign/internal/bundle"
)

// TestZipsAreReproducible: the same source gives the same bytes, wherever and whenever it is built, so that anybody can check a release.
func TestZipsAreReproducible(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds a function twice")
	}
	const function = "health-get"
	var zips [][]byte
	for range 2 {
		dir := t.TempDir()
		if err := bundle.Build(t.Context(), "../..", "arm64", dir, function); err != nil {
			t.Fatal(err)
		}
		to := filepath.Join(dir, "function.zip")
		size, err := bundle.Zip(filepath.Join(dir, function), to)
		if err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(to)
		if err != nil || int64(len(data)) != size {
			t.Fatalf("%d bytes, said %d: %v", len(data), size, err)
		}
		zips = append(zips, data)
	}
	if !bytes.Equal(zips[0], zips[1]) {
		t.Error("two builds of one source give different zips")
	}
	z, err := zip.NewReader(bytes.NewReader(zips[0]), int64(len(zips[0])))
	if err != nil || len(z.File) != 1 || z.File[0].Name != "bootstrap" || z.File[0].Mode().Perm() != 0o755 {
		t.Errorf("the zip holds %+v: %v", z.File, err)
	}
}
