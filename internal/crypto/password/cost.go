package password

import (
	"fmt"
	"strings"

	"golang.org/x/crypto/bcrypt"
)

// The cost of a comparison is the KiB that argon2 fills: memory times passes. Equal costs take
// about equal time on one machine. Each of bcrypt's 2^cost rounds takes as long as 64 KiB. Our own
// digests cost 38 MiB (19 MiB, 2 passes).
const (
	bcryptRound = 64

	// MostImported is the highest cost of an imported digest: bcrypt of cost 12, or argon2 with 64 MiB
	// and 4 passes. That is some 0.3 s of a core. It includes what RFC 9106 section 4, OWASP's
	// Password Storage Cheat Sheet and the defaults of common frameworks ask for.
	MostImported = 256 << 10

	// mostCompared is the highest cost that is still compared: earlier releases imported up to bcrypt
	// of cost 14.
	mostCompared = 1 << 20
)

// The largest parameters of argon2. A Lambda function of 512 MB has room for this memory, in KiB,
// twice: the garbage collector may free that of the comparison before only later. Django's default
// is 100 MiB, 2 passes and 8 lanes (PASSWORD_HASHERS, Argon2PasswordHasher); libsodium's for
// interactive use is 64 MiB and 2 passes.
const (
	maxMemory  = 128 * 1024
	maxTime    = 10
	maxThreads = 8
)

// Imported says which digests may be imported.
const Imported = "bcrypt of cost 4 to 12, or argon2 (version 19) with at most 128 MiB, 10 passes and 8 lanes, and memory times passes at most 256 MiB"

// String returns the parameters as a digest spells them.
func (p Params) String() string { return fmt.Sprintf("m=%d,t=%d,p=%d", p.Memory, p.Time, p.Threads) }

func (p Params) cost() int { return int(p.Memory) * int(p.Time) }

// Cost returns the cost of a comparison with a digest, in KiB, or [ErrDigest] for an unsupported
// digest.
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
