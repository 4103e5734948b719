//go:build darwin || linux

package clerkimport

import (
	"errors"
	"os"
	"syscall"
)

// errLocked is the error for a file that another open file has locked.
var errLocked = errors.New("locked")

// lock locks a file until it is closed or the process ends: flock(2).
func lock(file *os.File) error {
	err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return errLocked
	}
	return err
}
