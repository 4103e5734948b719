// Package bundle builds the functions' binaries and zips. The same source gives the same bytes, so
// that a deployment changes only functions that changed.
package bundle

import (
	"archive/zip"
	"compress/flate"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// Flags build a small binary that does not say where it was built. lambda.norpc leaves out code
// that only the retired go1.x runtime used.
var Flags = []string{"-trimpath", "-tags=lambda.norpc", "-ldflags=-s -w -buildid="}

// Build builds functions for an architecture as out/<name>, in one run of the compiler.
func Build(ctx context.Context, root, arch, out string, names ...string) error {
	if err := os.MkdirAll(out, 0o750); err != nil {
		return fmt.Errorf("build functions: %w", err)
	}
	args := append([]string{"build"}, Flags...)
	args = append(args, "-o", out+string(filepath.Separator))
	for _, name := range names {
		args = append(args, "./functions/"+name)
	}
	cmd := exec.CommandContext(ctx, "go", args...) //nolint:gosec // names are those of our functions
	cmd.Dir, cmd.Stderr = root, os.Stderr
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+arch)
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("build functions: %w", err)
	}
	return nil
}

// Pack builds functions for an architecture and zips each as to/<name>.zip. The binaries stay in
// to/binaries.
func Pack(ctx context.Context, root, arch, to string, names ...string) error {
	to, err := filepath.Abs(to) // Build runs in root
	if err != nil {
		return fmt.Errorf("pack functions: %w", err)
	}
	binaries := filepath.Join(to, "binaries")
	if err := Build(ctx, root, arch, binaries, names...); err != nil {
		return err
	}
	for _, name := range names {
		if _, err := Zip(filepath.Join(binaries, name), filepath.Join(to, name+".zip")); err != nil {
			return err
		}
	}
	return nil
}

// epoch is the time of every file in a zip: the earliest that the format can represent.
var epoch = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)

// Zip writes a zip that holds one binary as an executable called bootstrap. It returns the zip's
// size in bytes.
func Zip(binary, to string) (size int64, err error) {
	in, err := os.Open(binary) //nolint:gosec // the caller built it
	if err != nil {
		return 0, fmt.Errorf("zip: %w", err)
	}
	defer func() { _ = in.Close() }()
	out, err := os.Create(to) //nolint:gosec // the caller names it
	if err != nil {
		return 0, fmt.Errorf("zip: %w", err)
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	z := zip.NewWriter(out)
	z.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, flate.BestCompression) })
	header := &zip.FileHeader{Name: "bootstrap", Method: zip.Deflate, Modified: epoch}
	header.SetMode(0o755)
	entry, err := z.CreateHeader(header)
	if err != nil {
		return 0, fmt.Errorf("zip: %w", err)
	}
	if _, err := io.Copy(entry, in); err != nil {
		return 0, fmt.Errorf("zip %s: %w", binary, err)
	}
	if err := z.Close(); err != nil {
		return 0, fmt.Errorf("zip: %w", err)
	}
	info, err := out.Stat()
	if err != nil {
		return 0, fmt.Errorf("zip: %w", err)
	}
	return info.Size(), nil
}

// BuildFile builds one file for this machine.
func BuildFile(ctx context.Context, file, to string) error {
	args := append([]string{"build"}, Flags...)
	cmd := exec.CommandContext(ctx, "go", append(args, "-o", to, file)...) //nolint:gosec // the caller wrote it
	cmd.Stderr, cmd.Env = os.Stderr, append(os.Environ(), "CGO_ENABLED=0")
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("build %s: %w", file, err)
	}
	return nil
}
