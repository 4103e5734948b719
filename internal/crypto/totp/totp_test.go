package totp_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/crypto/totp"
)

// rfcKey is the key of both RFCs' vectors, the ASCII text 12345678901234567890, in base 32.
var rfcKey = secret.New("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")

func at(unix int64) time.Time { return time.Unix(unix, 0) }

func mustCode(t *testing.T, s secret.Value, when time.Time) string {
	t.Helper()
	code, err := totp.Code(s, when)
	if err != nil {
		t.Fatal(err)
	}
	return code
}

// TestCodeRFC6238: RFC 6238, appendix B, the rows of SHA-1. The RFC gives eight digits; a code of
// six digits has the last six.
func TestCodeRFC6238(t *testing.T) {
	for _, v := range []struct {
		unix int64
		code string
	}{
		{59, "94287082"},
		{1111111109, "07081804"},
		{1111111111, "14050471"},
		{1234567890, "89005924"},
		{2000000000, "69279037"},
		{20000000000, "65353130"},
	} {
		want := v.code[2:]
		if got := mustCode(t, rfcKey, at(v.unix)); got != want {
			t.Errorf("at %d: %s, want %s", v.unix, got, want)
		}
		if step, verdict := totp.Verify(rfcKey, want, at(v.unix), 0); verdict != totp.Accepted || step != v.unix/30 {
			t.Errorf("at %d: Verify = %d, %v", v.unix, step, verdict)
		}
	}
}

// TestCodeRFC4226: RFC 4226, appendix D, where the counter is the step.
func TestCodeRFC4226(t *testing.T) {
	for counter, want := range []string{
		"755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489",
	} {
		if got := mustCode(t, rfcKey, at(int64(counter)*30)); got != want {
			t.Errorf("counter %d: %s, want %s", counter, got, want)
		}
	}
}

func TestCodeErrors(t *testing.T) {
	for _, s := range []string{"", "GEZDGNBV", "not base 32!"} {
		if _, err := totp.Code(secret.New(s), at(59)); !errors.Is(err, totp.ErrSecret) {
			t.Errorf("of secret %q: %v, want ErrSecret", s, err)
		}
	}
	if code, err := totp.Code(rfcKey, at(-1)); err == nil {
		t.Errorf("before 1970: %s", code)
	}
}

func TestVerifyWindow(t *testing.T) {
	const now = 41_152_263 // any step will do
	for _, test := range []struct {
		name     string
		offset   int64
		lastStep int64
		want     totp.Verdict
	}{
		{"two steps early", -2, 0, totp.Wrong},
		{"one step early", -1, 0, totp.Accepted},
		{"this step", 0, 0, totp.Accepted},
		{"one step late", 1, 0, totp.Accepted},
		{"two steps late", 2, 0, totp.Wrong},
		{"this step, already used", 0, now, totp.Replayed},
		{"this step, the one before used", 0, now - 1, totp.Accepted},
		{"the step before, this one used", -1, now, totp.Replayed},
		{"the step after, this one used", 1, now, totp.Accepted},
		{"all steps used", 1, now + 1, totp.Replayed},
		{"a clock set back far behind the last step", 0, now + 1000, totp.Replayed},
		{"a wrong code, all steps used", 3, now + 1, totp.Wrong},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, second := range []int64{0, 29} {
				code := mustCode(t, rfcKey, at((now+test.offset)*30))
				step, got := totp.Verify(rfcKey, code, at(now*30+second), test.lastStep)
				wantStep := test.lastStep
				if test.want == totp.Accepted {
					wantStep = now + test.offset
				}
				if got != test.want || step != wantStep {
					t.Errorf("%d s into the step: %d, %v, want %d, %v", second, step, got, wantStep, test.want)
				}
			}
		})
	}
}

func TestVerifySeveralSteps(t *testing.T) {
	// One step in a million has the code of the step before. For this key, the first is the one after
	// step.
	const step = 910_737
	if mustCode(t, rfcKey, at(step*30)) != mustCode(t, rfcKey, at((step+1)*30)) {
		t.Fatal("the steps have different codes")
	}
	code := mustCode(t, rfcKey, at(step*30))
	for _, test := range []struct {
		name           string
		lastStep, want int64
		verdict        totp.Verdict
	}{
		{"none used", 0, step, totp.Accepted},
		{"the earlier one used", step, step + 1, totp.Accepted},
		{"both used", step + 1, step + 1, totp.Replayed},
	} {
		got, verdict := totp.Verify(rfcKey, code, at(step*30), test.lastStep)
		if got != test.want || verdict != test.verdict {
			t.Errorf("%s: %d, %v, want %d, %v", test.name, got, verdict, test.want, test.verdict)
		}
	}
}

var malformed = map[string]string{
	"empty":                     "",
	"five digits":               "12345",
	"seven digits":              "1234567",
	"a space before":            " 287082",
	"a space after":             "287082 ",
	"a space instead":           "28708 ",
	"a line break after":        "287082\n",
	"a tab in six bytes":        "\t28708",
	"a hyphen":                  "287-082",
	"a sign":                    "+87082",
	"letters":                   "28708a",
	"hexadecimal":               "0x7082",
	"a NUL":                     "28708\x00",
	"Arabic-Indic digits":       "٢٨٧٠٨٢",
	"full-width digits":         "２８７０８２",
	"a no-break space":          "\u00a0287082",
	"six bytes of other digits": "٢٨٧",
	"long":                      strings.Repeat("287082", 1000),
}

func TestVerifyMalformed(t *testing.T) {
	for name, code := range malformed {
		if step, got := totp.Verify(rfcKey, code, at(59), 0); got != totp.Malformed || step != 0 {
			t.Errorf("%s: %d, %v", name, step, got)
		}
	}
}

// TestVerifyWithoutSecret: no code is right under an empty or malformed key, although HMAC accepts
// any key.
func TestVerifyWithoutSecret(t *testing.T) {
	for _, s := range []secret.Value{{}, secret.New("========"), secret.New("AAAA"), secret.New("no secret")} {
		for n := range 1_000_000 / 997 {
			code := fmt.Sprintf("%06d", n*997)
			if step, got := totp.Verify(s, code, at(59), 7); got != totp.Wrong || step != 7 {
				t.Fatalf("%s: %d, %v", code, step, got)
			}
		}
	}
	// The code of the empty key at counter 1, which a library that takes any key would accept.
	if _, got := totp.Verify(secret.Value{}, "812658", at(59), 0); got != totp.Wrong {
		t.Errorf("the empty secret's code: %v", got)
	}
}

func TestVerifyAtTheEndsOfTime(t *testing.T) {
	for _, when := range []time.Time{{}, at(-61), at(-31), at(-1), at(0), at(29), at(math.MaxInt64)} {
		if step, got := totp.Verify(rfcKey, "000000", when, 0); got != totp.Wrong || step != 0 {
			t.Errorf("at %v: %d, %v", when.Unix(), step, got)
		}
	}
	if step, got := totp.Verify(rfcKey, "755224", at(-1), -1); got != totp.Accepted || step != 0 {
		t.Errorf("the code of step 0, one second early: %d, %v", step, got)
	}
	if step, got := totp.Verify(rfcKey, "755224", at(0), 0); got != totp.Replayed || step != 0 {
		t.Errorf("the code of step 0, with 0 as the last step: %d, %v", step, got)
	}
}

func TestZeroVerdictLetsNobodyIn(t *testing.T) {
	var zero totp.Verdict
	if zero != totp.Malformed {
		t.Errorf("the zero Verdict is %v", zero)
	}
}

func TestGenerate(t *testing.T) {
	s, err := totp.Generate(strings.NewReader("12345678901234567890 and more"))
	if err != nil || !s.Equal(rfcKey) {
		t.Errorf("Generate = %q, %v", s.Reveal(), err)
	}
	for name, r := range map[string]io.Reader{
		"a short reader":  bytes.NewReader(make([]byte, 19)),
		"a broken reader": iotest.ErrReader(errors.New("broken")),
	} {
		if s, err := totp.Generate(r); err == nil || !s.IsZero() {
			t.Errorf("from %s: %q, %v", name, s.Reveal(), err)
		}
	}
}

func TestGeneratedSecretsDiffer(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		s, err := totp.Generate(rand.Reader)
		if err != nil || seen[s.Reveal()] {
			t.Fatalf("repeated %v or failed: %v", seen[s.Reveal()], err)
		}
		seen[s.Reveal()] = true
		if again, err := totp.ParseSecret(s.Reveal()); err != nil || !again.Equal(s) || len(s.Reveal()) != 32 {
			t.Fatalf("%q does not parse as itself: %v", s.Reveal(), err)
		}
	}
}

// FuzzVerify states two laws: what is not six ASCII digits is Malformed, and, as a caller stores
// each accepted step, no step is accepted twice, nor one outside the window or with the wrong code.
func FuzzVerify(f *testing.F) {
	for _, code := range malformed {
		f.Add(code, int64(59), int64(0), int64(30))
	}
	f.Add("287082", int64(59), int64(0), int64(0))
	f.Add("287082", int64(59), int64(1), int64(-60))
	f.Add("755224", int64(-1), int64(-5), int64(30))
	f.Add("081804", int64(1111111109), int64(0x23523EB), int64(15))
	f.Fuzz(func(t *testing.T, code string, unix, lastStep, advance int64) {
		digits := len(code) == 6 && strings.Trim(code, "0123456789") == ""
		unix %= 1 << 40
		advance %= 120
		last := lastStep
		for range 6 {
			step, verdict := totp.Verify(rfcKey, code, at(unix), last)
			checkVerdict(t, code, digits, unix, last, step, verdict)
			last = step
			// Then what the user's own app shows: never the same step twice either.
			if unix >= 0 {
				own := mustCode(t, rfcKey, at(unix))
				step, verdict = totp.Verify(rfcKey, own, at(unix), last)
				checkVerdict(t, own, true, unix, last, step, verdict)
				if verdict == totp.Wrong || verdict == totp.Replayed && unix/30 > last {
					t.Fatalf("the right code at %d after step %d is %v", unix, last, verdict)
				}
				last = step
			}
			unix += advance
		}
	})
}

func checkVerdict(t *testing.T, code string, digits bool, unix, last, step int64, verdict totp.Verdict) {
	t.Helper()
	if digits == (verdict == totp.Malformed) {
		t.Fatalf("%q is %v", code, verdict)
	}
	if verdict != totp.Accepted {
		if step != last {
			t.Fatalf("%v moves the last step from %d to %d", verdict, last, step)
		}
		return
	}
	if step <= last {
		t.Fatalf("step %d accepted after step %d", step, last)
	}
	if begin := step * 30; unix < begin-30 || unix >= begin+60 {
		t.Fatalf("step %d accepted at %d", step, unix)
	}
	if want := mustCode(t, rfcKey, at(step*30)); want != code {
		t.Fatalf("%s accepted for step %d, whose code is %s", code, step, want)
	}
}

func BenchmarkVerify(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		totp.Verify(rfcKey, "287082", at(59), 0)
	}
}

func TestBytes(t *testing.T) {
	key := secret.New("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP")
	raw, err := totp.Bytes(key)
	if err != nil || len(raw.Reveal()) != 20 {
		t.Fatalf("%d bytes, %v, want 20", len(raw.Reveal()), err)
	}
	if back, err := totp.FromBytes(raw); err != nil || !back.Equal(key) {
		t.Errorf("the way back fails: %v", err)
	}
	if _, err := totp.Bytes(secret.New("no secret!")); err == nil {
		t.Error("a text that is no secret has bytes")
	}
	if _, err := totp.FromBytes(secret.New("short")); err == nil {
		t.Error("a key of 40 bits is taken")
	}
}
