package backupcode_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io"
	"regexp"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/countersign-mfa/countersign/internal/crypto/backupcode"
	"github.com/countersign-mfa/countersign/internal/crypto/secret"
)

const alphabet = "0123456789abcdefghjkmnpqrstvwxyz"

var (
	shown     = regexp.MustCompile(`^[` + alphabet + `]{5}-[` + alphabet + `]{5}$`)
	canonical = regexp.MustCompile(`^[` + alphabet + `]{10}$`)
)

func reveal(codes []secret.Value) []string {
	var texts []string
	for _, code := range codes {
		texts = append(texts, code.Reveal())
	}
	return texts
}

func TestGenerate(t *testing.T) {
	var source []byte
	for b := range 40 {
		source = append(source, byte(b))
	}
	for _, test := range []struct {
		name   string
		source []byte
		n      int
		want   []string
	}{
		{"each byte is a character", source, 3, []string{"01234-56789", "abcde-fghjk", "mnpqr-stvwx"}},
		{"the alphabet repeats after 32", source[30:], 1, []string{"yz012-34567"}},
		{"the highest bytes", bytes.Repeat([]byte{255}, 10), 1, []string{"zzzzz-zzzzz"}},
		{
			"a repeated code is drawn again",
			append(append(bytes.Clone(source[:10]), source[:10]...), source[10:20]...), 2,
			[]string{"01234-56789", "abcde-fghjk"},
		},
		{"none", nil, 0, nil},
		{"fewer than none", nil, -1, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			codes, err := backupcode.Generate(bytes.NewReader(test.source), test.n)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, reveal(codes)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// zeros is a reader that has stopped being random.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

func TestGenerateErrors(t *testing.T) {
	for name, r := range map[string]io.Reader{
		"a short reader":  bytes.NewReader(make([]byte, 99)),
		"a broken reader": iotest.ErrReader(errors.New("broken")),
		"a stuck reader":  zeros{},
	} {
		if codes, err := backupcode.Generate(r, backupcode.Count); err == nil || codes != nil {
			t.Errorf("from %s: %q, %v", name, reveal(codes), err)
		}
	}
}

func TestGenerateFromASlowReader(t *testing.T) {
	if _, err := backupcode.Generate(iotest.OneByteReader(rand.Reader), backupcode.Count); err != nil {
		t.Errorf("from a reader that gives a byte at a time: %v", err)
	}
}

// TestGeneratedCodesAreUniform: each character is equally likely at each place. The sum below is
// chi-square with 31 degrees of freedom for a place: above 110 less than once in 10^9 places.
func TestGeneratedCodesAreUniform(t *testing.T) {
	const n = 20_000
	codes, err := backupcode.Generate(rand.Reader, n)
	if err != nil {
		t.Fatal(err)
	}
	var counts [10][256]int
	seen := map[string]bool{}
	for _, code := range codes {
		if !shown.MatchString(code.Reveal()) || seen[code.Reveal()] {
			t.Fatalf("%q: repeated %v", code.Reveal(), seen[code.Reveal()])
		}
		seen[code.Reveal()] = true
		for i, c := range []byte(strings.Replace(code.Reveal(), "-", "", 1)) {
			counts[i][c]++
		}
	}
	for place := range counts {
		const expected = float64(n) / 32
		sum := 0.0
		for _, c := range []byte(alphabet) {
			off := float64(counts[place][c]) - expected
			sum += off * off / expected
		}
		if sum > 110 {
			t.Errorf("place %d: chi-square %.0f", place, sum)
		}
	}
}

func TestNormalize(t *testing.T) {
	for _, test := range []struct {
		name, typed, want string
	}{
		{"as shown", "0a1b2-c3d4e", "0a1b2c3d4e"},
		{"canonical", "0a1b2c3d4e", "0a1b2c3d4e"},
		{"upper case", "0A1B2-C3D4E", "0a1b2c3d4e"},
		{"spaces and hyphens anywhere", "  0a1b2 - c3 d4e--", "0a1b2c3d4e"},
		{"letters that look like digits", "oOiIl-LLoIo", "0011111010"},
		{"the whole alphabet, first", "0123456789", "0123456789"},
		{"the whole alphabet, second", "abcdefghjk", "abcdefghjk"},
		{"the whole alphabet, third", "mnpqrstvwx", "mnpqrstvwx"},
		{"the whole alphabet, last", "yzYZyzYZyz", "yzyzyzyzyz"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, ok := backupcode.Normalize(test.typed)
			if got != test.want || !ok {
				t.Errorf("Normalize(%q) = %q, %v, want %q", test.typed, got, ok, test.want)
			}
		})
	}
}

var refused = map[string]string{
	"empty":                       "",
	"nothing but a hyphen":        "-",
	"nine characters":             "0a1b2-c3d4",
	"eleven characters":           "0a1b2-c3d4e5",
	"a u":                         "0a1b2-c3d4u",
	"an upper case U":             "0a1b2-c3d4U",
	"punctuation":                 "0a1b2_c3d4e",
	"a line break":                "0a1b2-c3d4e\n",
	"a tab":                       "0a1b2\tc3d4e",
	"a NUL":                       "0a1b2-c3d4\x00",
	"an en dash":                  "0a1b2–c3d4e",
	"a no-break space":            "0a1b2\u00a0c3d4e",
	"full-width digits":           "０１２３４５６７８９",
	"a letter that folds to k":    "0a1b2-c3d4\u212a",
	"a letter that looks like an": "0a1b2-c3d4е",
	"an invalid byte":             "0a1b2-c3d4\xff",
	"the byte after Z":            "0a1b2-c3d4[",
	"the byte before a":           "0a1b2-c3d4`",
	"the byte after z":            "0a1b2-c3d4{",
	"the byte after 9":            "0a1b2-c3d4:",
	"the byte before 0":           "0a1b2-c3d4/",
	"the byte before A":           "0a1b2-c3d4@",
	"a megabyte":                  strings.Repeat("a", 1<<20),
}

func TestNormalizeRefuses(t *testing.T) {
	for name, typed := range refused {
		if got, ok := backupcode.Normalize(typed); ok || got != "" {
			t.Errorf("%s: %q, %v", name, got, ok)
		}
	}
}

// FuzzNormalize states that a canonical form is ten characters of the alphabet, its own canonical
// form, and the same however the code is grouped and in either case.
func FuzzNormalize(f *testing.F) {
	for _, typed := range refused {
		f.Add(typed)
	}
	f.Add("0a1b2-c3d4e")
	f.Add("OIL OIL OIL O")
	f.Fuzz(func(t *testing.T, typed string) {
		got, ok := backupcode.Normalize(typed)
		if !ok {
			if got != "" {
				t.Fatalf("Normalize(%q) = %q, false", typed, got)
			}
			return
		}
		if !canonical.MatchString(got) {
			t.Fatalf("Normalize(%q) = %q", typed, got)
		}
		for _, same := range []string{got, got[:5] + "-" + got[5:], strings.ToUpper(got), strings.ToLower(typed), " " + typed + "-"} {
			if again, ok := backupcode.Normalize(same); again != got || !ok {
				t.Fatalf("Normalize(%q) = %q, %v, want %q", same, again, ok, got)
			}
		}
	})
}

// FuzzGenerate states that whatever is read, the codes are of the shown form, different, and what
// their canonical forms stand for.
func FuzzGenerate(f *testing.F) {
	f.Add(make([]byte, 100), 3)
	f.Add([]byte("0123456789 any text of some length will do as random bytes"), 5)
	f.Add([]byte{}, -1)
	f.Fuzz(func(t *testing.T, source []byte, n int) {
		n %= 32
		codes, err := backupcode.Generate(bytes.NewReader(source), n)
		if err != nil {
			if codes != nil {
				t.Fatalf("codes with error %v", err)
			}
			return
		}
		if len(codes) != max(n, 0) {
			t.Fatalf("%d codes, want %d", len(codes), n)
		}
		seen := map[string]bool{}
		for _, code := range reveal(codes) {
			got, ok := backupcode.Normalize(code)
			if !ok || !shown.MatchString(code) || got != strings.Replace(code, "-", "", 1) || seen[got] {
				t.Fatalf("code %q normalizes to %q, %v; seen before: %v", code, got, ok, seen[got])
			}
			seen[got] = true
		}
	})
}

// TestASetHasTenCodes: the pages and the documents name this number.
func TestASetHasTenCodes(t *testing.T) {
	codes, err := backupcode.Generate(rand.Reader, backupcode.Count)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, c := range codes {
		seen[c.Reveal()] = true
	}
	if backupcode.Count != 10 || len(codes) != 10 || len(seen) != 10 {
		t.Errorf("%d codes, %d of them different; want 10", len(codes), len(seen))
	}
}
