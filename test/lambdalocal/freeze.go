//go:build unix

package lambdalocal

import "syscall"

// Freeze stops the process, as Lambda does between two invocations.
func (r *Runtime) Freeze() error { return r.process.Process.Signal(syscall.SIGSTOP) }

// Thaw lets a frozen process go on.
func (r *Runtime) Thaw() error { return r.process.Process.Signal(syscall.SIGCONT) }
