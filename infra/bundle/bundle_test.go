package bundle_test

import (
	"archive/zip"
	"bytes"
	"debug/elf"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/countersign-mfa/countersign/infra/bundle"
)

// TestZipsAreReproducible: each function is a zip that holds a program for the architecture, as the
// file that Lambda starts. The same source gives the same bytes wherever it is built, so that a
// release can be checked.
func TestZipsAreReproducible(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds functions three times")
	}
	first, again := t.TempDir(), t.TempDir()
	if err := bundle.Pack(t.Context(), "../..", "arm64", first, "health-get", "pages"); err != nil {
		t.Fatal(err)
	}
	if err := bundle.Pack(t.Context(), "../..", "arm64", again, "health-get"); err != nil {
		t.Fatal(err)
	}
	health := read(t, first, "health-get")
	if !bytes.Equal(health, read(t, again, "health-get")) {
		t.Error("two builds of one source give different zips")
	}
	pages := read(t, first, "pages")
	if bytes.Equal(health, pages) {
		t.Error("two functions are one")
	}
	for _, data := range [][]byte{health, pages} {
		z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
		if err != nil || len(z.File) != 1 || z.File[0].Name != "bootstrap" || z.File[0].Mode().Perm() != 0o755 {
			t.Fatalf("the zip holds %+v: %v", z.File, err)
		}
		if machine := machineOf(t, z.File[0]); machine != elf.EM_AARCH64 {
			t.Errorf("the program is for %v", machine)
		}
	}
}

func read(t *testing.T, dir, function string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, function+".zip"))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func machineOf(t *testing.T, f *zip.File) elf.Machine {
	t.Helper()
	r, err := f.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	data, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	program, err := elf.NewFile(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return program.Machine
}

// TestZip: Zip returns the zip's size, and fails without a program or a directory.
func TestZip(t *testing.T) {
	dir := t.TempDir()
	program := filepath.Join(dir, "program")
	if err := os.WriteFile(program, bytes.Repeat([]byte("x"), 5000), 0o600); err != nil {
		t.Fatal(err)
	}
	size, err := bundle.Zip(program, filepath.Join(dir, "p.zip"))
	if data := read(t, dir, "p"); err != nil || size != int64(len(data)) || size >= 5000 {
		t.Errorf("%d bytes, said %d: %v", len(data), size, err)
	}
	if _, err := bundle.Zip(filepath.Join(dir, "none"), filepath.Join(dir, "q.zip")); err == nil {
		t.Error("a program that is not there was zipped")
	}
	if _, err := bundle.Zip(program, filepath.Join(dir, "none", "q.zip")); err == nil {
		t.Error("a zip was written where there is no place")
	}
}
