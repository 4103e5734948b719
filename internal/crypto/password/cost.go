package password

import (
	"fmt"
	"strings"

	"golang.org/x/crypto/bcrypt"
)

// The cost of a comparison is measured in KiB that argon2 fills: memory times passes. It is about
// the same time on every machine. A round of bcrypt, of which there are 2^cost, takes as long as
// 64 KiB; our own digests cost 38 MiB (19 MiB, 2 passes).
const (
	bcryptRound = 64

	// MostImported is the cost of the dearest digest that an import takes: bcrypt of cost 12, or
	// argon2 with 64 MiB and 4 passes. It is some 0.3 s of a core, and includes what RFC 9106
	// section 4, OWASP's Password Storage Cheat Sheet and the defaults of common frameworks ask
	// for.
	MostImported = 256 << 10

	// mostCompared is the cost of the dearest digest that is still compared: earlier releases
	// imported up to bcrypt of cost 14.
	mostCompared = 1 << 20
)

// The largest single parameters of argon2. The memory is what a function has room for.
const (
	maxMemory  = 64 * 1024
	maxTime    = 10
	maxThreads = 4
)

// String is how a digest names them.
func (p Params) String() string { return fmt.Sprintf("m=%d,t=%d,p=%d", p.Memory, p.Time, p.Threads) }

func (p Params) cost() int { return int(p.Memory) * int(p.Time) }

// Cost is the cost of a comparison with a digest. One that cannot be compared is [ErrDigest].
func Cost(encoded string) (int, error) {
	if strings.HasPrefix(encoded, "$2") {
		cost, err := bcrypt.Cost([]byte(encoded))
		if err != nil || !bcryptForm.MatchString(encoded) {
			return 0, ErrDigest
		}
		return bcryptRound << cost, nil
	}
	d, err := parse(encoded)
	if err != nil {
		return 0, err
	}
	return d.params.cost(), nil
}
