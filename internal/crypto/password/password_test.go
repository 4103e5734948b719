package password_test

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"strings"
	"sync"
	"testing"

	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/bcrypt"

	"github.com/countersign-mfa/countersign/internal/crypto/password"
	"github.com/countersign-mfa/countersign/internal/crypto/secret"
)

var cheap = password.Params{Memory: 64, Time: 1, Threads: 1}

func TestVerify(t *testing.T) {
	h := password.New(cheap, rand.Reader)
	own, err := h.Hash(t.Context(), secret.New("correct horse"))
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		digest, password string
		want             bool
	}{
		"own digest":                       {own, "correct horse", true},
		"own digest, wrong password":       {own, "correct horsE", false},
		"own digest, empty password":       {own, "", false},
		"argon2id of the reference tool":   {"$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc", "password", true},
		"argon2i of the reference tool":    {"$argon2i$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$wWKIMhR9lyDFvRz9YTZweHKfbftvj+qf+YFY4NeBbtA", "password", true},
		"bcrypt of the original authors":   {"$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "U*U", true},
		"bcrypt, wrong password":           {"$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "U*V", false},
		"bcrypt sees only 72 bytes":        {"$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", strings.Repeat("U", 73), false},
		"Django's default, wrong password": {"$argon2id$v=19$m=102400,t=2,p=8$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc", "password", false},
	} {
		got, err := h.Verify(t.Context(), tc.digest, secret.New(tc.password))
		if err != nil || got != tc.want {
			t.Errorf("%s: %t, %v; want %t", name, got, err, tc.want)
		}
	}
}

func TestSaltsDiffer(t *testing.T) {
	h := password.New(cheap, rand.Reader)
	a, _ := h.Hash(t.Context(), secret.New("same"))
	b, _ := h.Hash(t.Context(), secret.New("same"))
	if a == b {
		t.Error("two digests of one password are equal")
	}
}

// TestSpellingsOfAPassword: a password that Unicode writes in two ways is one password, also under
// a digest of the given form: those of other services, and ours from before passwords had a normal
// form.
func TestSpellingsOfAPassword(t *testing.T) {
	const composed, decomposed = "Gr\u00fc\u00dfe-Ma\u00f1ana-1", "Gru\u0308\u00dfe-Man\u0303ana-1"
	h := password.New(cheap, rand.Reader)
	own := func(text string) string {
		digest, err := h.Hash(t.Context(), secret.New(text))
		if err != nil {
			t.Fatal(err)
		}
		return digest
	}
	raw := func(text string) string {
		salt := []byte("0123456789abcdef")
		b64 := base64.RawStdEncoding.EncodeToString
		return "$argon2id$v=19$m=64,t=1,p=1$" + b64(salt) + "$" + b64(argon2.IDKey([]byte(text), salt, 1, 64, 1, 32))
	}
	elsewhere := func(text string) string {
		digest, err := bcrypt.GenerateFromPassword([]byte(text), bcrypt.MinCost)
		if err != nil {
			t.Fatal(err)
		}
		return string(digest)
	}
	for _, tc := range []struct {
		what, digest, typed string
		want                bool
	}{
		{"ours, composed", own(composed), decomposed, true},
		{"ours, decomposed", own(decomposed), composed, true},
		{"ours, from before, composed", raw(composed), decomposed, true},
		{"ours, from before, decomposed, typed alike", raw(decomposed), decomposed, true},
		{"of another service, composed", elsewhere(composed), decomposed, true},
		{"of another service, decomposed, typed alike", elsewhere(decomposed), decomposed, true},
		{"another password", own(composed), decomposed + "x", false},
		{"another letter", own("Gru\u0308\u00dfe-1"), "Gruße-1", false},
	} {
		if got, err := h.Verify(t.Context(), tc.digest, secret.New(tc.typed)); err != nil || got != tc.want {
			t.Errorf("%s: %t, %v, want %t", tc.what, got, err, tc.want)
		}
	}
}

func TestParseDigest(t *testing.T) {
	const ok = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
	for name, tc := range map[string]struct {
		hasher, digest string
		ok             bool
	}{
		"argon2id":                     {"argon2id", ok, true},
		"named as another kind":        {"argon2i", ok, false},
		"bcrypt":                       {"bcrypt", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", true},
		"bcrypt, as dear as allowed":   {"bcrypt", "$2b$12$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", true},
		"bcrypt too dear":              {"bcrypt", "$2a$13$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", false},
		"bcrypt for a century":         {"bcrypt", "$2a$31$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", false},
		"bcrypt of no cost":            {"bcrypt", "$2a$03$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", false},
		"bcrypt, cut short":            {"bcrypt", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOe", false},
		"bcrypt named argon2id":        {"argon2id", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", false},
		"as dear as allowed":           {"argon2id", strings.Replace(ok, "t=2", "t=4", 1), true},
		"Django's default":             {"argon2id", strings.Replace(ok, "m=65536,t=2,p=1", "m=102400,t=2,p=8", 1), true},
		"libsodium, interactive":       {"argon2id", ok, true},
		"libsodium, moderate":          {"argon2id", strings.Replace(ok, "m=65536,t=2", "m=262144,t=3", 1), false},
		"memory times passes":          {"argon2id", strings.Replace(ok, "t=2", "t=5", 1), false},
		"more than ten passes":         {"argon2id", strings.Replace(ok, "m=65536,t=2", "m=64,t=11", 1), false},
		"too many threads":             {"argon2id", strings.Replace(ok, "p=1", "p=9", 1), false},
		"threads beyond a byte":        {"argon2id", strings.Replace(ok, "p=1", "p=257", 1), false},
		"more after the parameters":    {"argon2id", strings.Replace(ok, "p=1", "p=1,x=1", 1), false},
		"too much memory":              {"argon2id", strings.Replace(ok, "65536", "1048576", 1), false},
		"too many passes":              {"argon2id", strings.Replace(ok, "t=2", "t=99", 1), false},
		"no memory at all":             {"argon2id", strings.Replace(ok, "65536", "0", 1), false},
		"old version":                  {"argon2id", strings.Replace(ok, "v=19", "v=16", 1), false},
		"a hasher that we do not have": {"md5", "d41d8cd98f00b204e9800998ecf8427e", false},
		"empty":                        {"argon2id", "", false},
	} {
		got, err := password.ParseDigest(tc.hasher, tc.digest)
		if (err == nil) != tc.ok || tc.ok && got != tc.digest {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

func TestCheck(t *testing.T) {
	for name, tc := range map[string]struct {
		password string
		want     error
	}{
		"eight characters":             {"12345678", nil},
		"seven characters":             {"1234567", password.ErrTooShort},
		"characters, not bytes, count": {"äöüßéèê", password.ErrTooShort},
		"128 bytes":                    {strings.Repeat("x", 128), nil},
		"129 bytes":                    {strings.Repeat("x", 129), password.ErrTooLong},
		"seven characters, decomposed": {strings.Repeat("a\u0308", 7), password.ErrTooShort},
		"126 bytes in normal form":     {strings.Repeat("a\u0308", 63), nil},
	} {
		if got := password.Check(secret.New(tc.password)); !errors.Is(got, tc.want) {
			t.Errorf("%s: %v, want %v", name, got, tc.want)
		}
	}
}

func TestACancelledCallerDoesNotWait(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	h := password.New(cheap, rand.Reader)
	for range 100 {
		if _, err := h.Hash(ctx, secret.New("x")); errors.Is(err, context.Canceled) {
			return
		}
	}
	t.Error("a hundred calls with a dead context all went ahead")
}

// FuzzNormal: the normal form of a password is its own normal form, and empty only if the
// password is.
func FuzzNormal(f *testing.F) {
	for _, seed := range []string{"correct horse", "Gru\u0308\u00dfe", "\u1100\u1161\u11a8", "a\u3000b", "\x00\u0308", "\xff\u0308"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		once := password.Normal(secret.New(text))
		if twice := password.Normal(once); !twice.Equal(once) {
			t.Errorf("%+q: once %+q, twice %+q", text, once.Reveal(), twice.Reveal())
		}
		if once.IsZero() != (text == "") {
			t.Errorf("%+q becomes %+q", text, once.Reveal())
		}
	})
}

// FuzzParseDigest: an import is accepted only if it can be verified without an error.
func FuzzParseDigest(f *testing.F) {
	f.Add("argon2id", "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc")
	f.Add("bcrypt", "$2a$04$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW")
	h := password.New(cheap, rand.Reader)
	f.Fuzz(func(t *testing.T, hasher, digest string) {
		if len(digest) > 200 {
			return
		}
		if _, err := password.ParseDigest(hasher, digest); err != nil {
			return
		}
		if _, err := h.Verify(t.Context(), digest, secret.New("x")); err != nil {
			t.Errorf("%q was accepted and cannot be verified: %v", digest, err)
		}
	})
}

// TestADearDigestIsNotCompared: a digest beyond the limit of every import is not compared.
func TestADearDigestIsNotCompared(t *testing.T) {
	h := password.New(cheap, rand.Reader)
	for _, digest := range []string{
		"$2a$15$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "$2a$31$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
		"$argon2id$v=19$m=4194304,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc", "",
	} {
		asked := false
		_, err := h.VerifyIf(t.Context(), digest, secret.New("x"), func() error { asked = true; return nil })
		if !errors.Is(err, password.ErrDigest) || asked {
			t.Errorf("%q: %v, its turn came: %t", digest, err, asked)
		}
	}
}

// TestDearDigestsLeaveATurn: comparisons with imported digests never hold all slots.
func TestDearDigestsLeaveATurn(t *testing.T) {
	h := password.New(cheap, rand.Reader)
	own, err := h.Hash(t.Context(), secret.New("x"))
	if err != nil {
		t.Fatal(err)
	}
	const dear = "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"
	began, end := make(chan struct{}, 10), make(chan struct{})
	var all sync.WaitGroup
	for range 10 {
		all.Go(func() {
			_, err := h.VerifyIf(context.Background(), dear, secret.New("x"), func() error { began <- struct{}{}; <-end; return nil })
			if err != nil {
				t.Error(err)
			}
		})
	}
	<-began
	if right, err := h.Verify(t.Context(), own, secret.New("x")); err != nil || !right {
		t.Errorf("a comparison of our own: %t, %v", right, err)
	}
	if n := len(began); n != 0 {
		t.Errorf("%d more dear comparisons are under way", n)
	}
	close(end)
	all.Wait()
}

// TestAComparisonInVainIsNotMade: a comparison that is not wanted any more when its slot is free
// returns that error.
func TestAComparisonInVainIsNotMade(t *testing.T) {
	h := password.New(cheap, rand.Reader)
	vain := errors.New("in vain")
	own, err := h.Hash(t.Context(), secret.New("x"))
	if err != nil {
		t.Fatal(err)
	}
	if right, err := h.VerifyIf(t.Context(), own, secret.New("x"), func() error { return vain }); right || !errors.Is(err, vain) {
		t.Errorf("%t, %v", right, err)
	}
	if err := h.VerifyNoneIf(t.Context(), secret.New("x"), func() error { return vain }); !errors.Is(err, vain) {
		t.Error(err)
	}
}
