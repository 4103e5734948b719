// Package seed fills a store with users for tests and benchmarks. A seed and a number always make
// the same user.
package seed

import (
	"context"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/migration"
	"github.com/countersign-mfa/countersign/internal/domain/phone"
)

// Shares of the users, in percent.
const (
	withPhone, withApp, withCodes, withUsername, withPassword = 60, 40, 30, 50, 70
)

// began is when the first user was created; each other one was a minute after the one before.
var began = time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)

// digest is the argon2id digest of a password that no user has: a comparison costs what it costs in
// production.
const digest = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$KSgMBUG7mbgRQZBqnWW3EOcx0VmsZxVhLoyRRJ6bSuo"

// Names of users, from several languages.
var (
	firstNames = strings.Fields("Ada Aiko Amélie Anna Björn Carlos Chen Chloé Diego Elif Emma Fatima Hana Ibrahim Ingrid Ivan Jakob José Julia Kenji Lars Lena Liam Lucía Malik Maria Mei Mia Mohammed Noah Olga Omar Priya Rafael Sakura Sofia Søren Tomás Yusuf Zoë")
	lastNames  = strings.Fields("Almeida Andersson Bauer Costa Dubois Fischer García Gupta Hansen Ito Ivanov Jansen Kaya Kim Kowalski Lefèvre Li Lopez Meyer Moreau Müller Nakamura Nguyễn Novák Okafor Olsen Patel Pérez Popov Rossi Sato Schmidt Silva Singh Smith Suzuki Tanaka Wang Weber Yılmaz")
)

// User returns the user with a number, as an export of another instance would hold it.
func User(seed uint64, n int) migration.Export {
	var key [32]byte
	binary.LittleEndian.PutUint64(key[:], seed)
	binary.LittleEndian.PutUint64(key[8:], uint64(n)) //nolint:gosec // not negative
	source := rand.NewChaCha8(key)
	random := rand.New(source) //nolint:gosec // test data
	id := func() string {
		text, _ := account.RandomText(source, 16) // the source never fails
		return text
	}
	chance := func(percent int) bool { return random.IntN(100) < percent }
	at := account.At(began.Add(time.Duration(n) * time.Minute))
	user := id()
	p := migration.Export{
		ID: account.PrefixUser + user, FirstName: firstNames[random.IntN(len(firstNames))], LastName: lastNames[random.IntN(len(lastNames))], ExternalID: fmt.Sprintf("crm-%d-%d", seed, n),
		EmailAddresses: []migration.ExportedEmail{{ID: account.PrefixID + id(), Address: fmt.Sprintf("user%d.%d@example.com", n, seed), CreatedAt: at}},
		CreatedAt:      at, UpdatedAt: at,
	}
	if chance(withUsername) {
		p.Username = fmt.Sprintf("user_%d_%d", n, seed)
	}
	if chance(withPassword) {
		p.PasswordDigest, p.PasswordSetAt = digest, at
	}
	if chance(withPhone) {
		p.PhoneNumbers = []migration.ExportedPhone{{
			ID: account.PrefixID + user + id(), Number: number(n), Country: "US", Line: phone.Mobile, VerifiedAt: at, Reserved: true, Default: true, Primary: true, CreatedAt: at, UpdatedAt: at,
		}}
		p.MFAEnabledAt = at
	}
	if chance(withApp) {
		p.TOTP = &migration.ExportedTOTP{ID: account.PrefixTOTP + id(), Secret: migration.Disclosed{Value: appSecret(source)}, VerifiedAt: at, CreatedAt: at}
		p.MFAEnabledAt = at
	}
	if p.MFAEnabledAt != 0 && chance(withCodes) {
		p.BackupCodes = codes(source, id(), at)
	}
	return p
}

// number returns the phone number of a user: eight million of one area, then of the next.
func number(n int) string { return fmt.Sprintf("+1%d%07d", 212+n/8_000_000, 2_000_000+n%8_000_000) }

func appSecret(source *rand.ChaCha8) secret.Value {
	var key [20]byte
	_, _ = source.Read(key[:])
	return secret.New(base32.StdEncoding.EncodeToString(key[:]))
}

// codes returns a set of backup codes that no text matches, of the size of a real one.
func codes(source *rand.ChaCha8, id string, at account.Instant) *migration.ExportedCodes {
	var key [32]byte
	_, _ = source.Read(key[:])
	set := &migration.ExportedCodes{ID: account.PrefixBackup + id, Key: migration.Disclosed{Value: secret.New(base64.StdEncoding.EncodeToString(key[:]))}, CreatedAt: at}
	for range 10 {
		tag := make([]byte, account.BackupTagSize)
		_, _ = source.Read(tag)
		set.Unused = append(set.Unused, tag)
	}
	return set
}

// together is how many users are created at once, so that their commits share a write to the disk.
const together = 256

// Fill creates users 0 to users-1 of a seed, by the way of an import. Users that are there stay, so
// an interrupted call can be repeated. progress is called with the number of users done.
func Fill(ctx context.Context, s *domain.Service, seed uint64, users int, progress func(done int)) error {
	group, running := errgroup.WithContext(ctx)
	group.SetLimit(together)
	var done atomic.Int64
	for n := range users {
		if running.Err() != nil {
			break
		}
		group.Go(func() error {
			if err := s.Migration.ImportUser(ctx, User(seed, n)); err != nil && !errors.Is(err, migration.ErrUserExists) {
				return fmt.Errorf("user %d: %w", n, err)
			}
			done.Add(1)
			return nil
		})
		progress(int(done.Load()))
	}
	err := group.Wait()
	progress(int(done.Load()))
	if err != nil {
		return err
	}
	return ctx.Err()
}
