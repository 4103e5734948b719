package takeover

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// Each mutant removes one check from the product, and the search must then reach a goal. This shows
// that the search can find a theft. The go command gets an overlay with the mutated files: one
// binary has all mutants, and an environment variable enables one. The product does not know of it.

// mutantVariable is the environment variable that names the enabled mutant.
const mutantVariable = "COUNTERSIGN_MUTANT"

// mutant is a removed check.
type mutant struct {
	finding string // what is possible without the check
	profile string // the profile whose search must find it
	goals   []Goal
	seeds   int // the most seeds to search; 0 means 1000
}

func (m mutant) within() int {
	if m.seeds != 0 {
		return m.seeds
	}
	return 1000
}

// mutants by name.
var mutants = map[string]mutant{
	"1":         {"a secret that waits to be confirmed belongs to every session", "the first second factor", []Goal{ToldFactor}, 0},
	"2":         {"wrong codes of a secret that waits are not counted", "an enrolment that was left", []Goal{Guessed}, 0},
	"3 number":  {"a number becomes a second factor without asking again", "sessions that are kept", []Goal{Changed}, 0},
	"3 app":     {"an app is confirmed without asking again", "sessions that are kept", []Goal{Changed}, 0},
	"4":         {"the task of enforced enrolment is fulfilled by the user's state", "enforced enrolment", []Goal{Unenrolled}, 0},
	"6":         {"a text code proves a first factor whatever became of its number", "a number that was the owner's", []Goal{Groundless}, 0},
	"7":         {"what was ended is told by clocks", "endings of users without a second factor", []Goal{Unlisted, Outlived}, 0},
	"8":         {"the oldest session of too many lives on", "a crowd of sessions", []Goal{Unlisted}, 0},
	"9":         {"a sign-in outlives a new password, and a ban", "endings", []Goal{Outlived}, 0},
	"10":        {"a factor that was not proved has the age of one that does not exist", "sessions that are kept", []Goal{StrictMFA}, 0},
	"rotate":    {"a client token that was there before the sign-in works after it", "a planted cookie", []Goal{Fixed}, 0},
	"alone":     {"the password alone, given again, is enough to change factors", "changes in sessions that prove too little", []Goal{Changed}, 0},
	"others":    {"other sessions outlive the first second factor", "the first second factor", []Goal{Outlived}, 0},
	"used":      {"a code that was used is right again", "used codes", []Goal{SecondProof}, 0},
	"removed":   {"a proof outlives its factor", "a reset", []Goal{SecondProof}, 0},
	"forgotten": {"a remembered device outlives a change of factors and of the password", "a remembered browser", []Goal{Unasked}, 0},
	"borrowed":  {"a remembered device is every device of the user", "a remembered browser", []Goal{Unasked}, 0},
	"enough":    {"a remembered device proves the second factor", "a remembered browser, and the password", []Goal{Changed, StrictMFA, SecondProof}, 0},
	"hasty":     {"a recovery completes with the first reminder", "a recovery", []Goal{Hastened}, 0},
	"deaf":      {"a cancelled recovery waits on", "a recovery", []Goal{Hastened}, 0},
	"fresh":     {"a fresh session stays fresh when another one changes the factors", "sessions that are kept", []Goal{Changed}, 0},
}

// edit is a change of the product's source. The old text occurs once.
type edit struct{ file, old, new string }

var edits = []edit{
	{"authority/change.go", `p.Owner == session &&`, `(p.Owner == session || mutant("1")) &&`},
	{"mfa/totp.go", "\tu.TOTP.Wrong++\n", "\tif !mutant(\"2\") {\n\t\tu.TOTP.Wrong++\n\t}\n"},
	{"mfa/phone_verification.go", `if err := sessions.RequireProof(t, caller, authority.EnrolNumber); err != nil {`, `if err := sessions.RequireProof(t, caller, authority.EnrolNumber); err != nil && !mutant("3 number") {`},
	{"authority/rules.go", `ConfirmApp:      {recentProof,`, `ConfirmApp:      {map[bool]need{false: recentProof, true: liveSession}[mutant("3 app") || mutant("2")],`},
	{"authority/authority.go", `case c.Account.SecondFactor:
		return Ended`, `case c.Account.SecondFactor && mutant("4"):
		return Active
	case c.Account.SecondFactor:
		return Ended`},
	{"authority/change.go", `first && (p.Required ||`, `!mutant("others") && first && (p.Required && !mutant("4") ||`},
	{"mfa/verify_first_factor.go", `if err := checkFirstFactorPhone(t, u, ch); err != nil {`, `if err := checkFirstFactorPhone(t, u, ch); err != nil && !mutant("6") {`},
	{"sms/resend.go", `!u.SameGeneration(c.Generation):`, `!u.SameGeneration(c.Generation) && !mutant("6"):`},
	{"sessions/authority.go", `u.SessionRef(s) == nil ||`, `u.SessionRef(s) == nil && !(mutant("7") && s.CreatedAt > u.SessionsEndedAt) && !(mutant("8") && len(u.Sessions) == 100) ||`},
	{"mfa/sign_in.go", `si.First.Proved != 0 && !u.SameGeneration(si.Generation)`, `si.First.Proved != 0 && !u.SameGeneration(si.Generation) && !mutant("9")`},
	{"authority/authority.go", `case !c.Account.SecondFactor:
		second = NoFactor`, `case !c.Account.SecondFactor, mutant("10"):
		second = NoFactor`},
	{"authority/authority.go", `c.fresh(c.Session.Alone) && c.Session.Generation == c.Account.Generation`, `c.fresh(c.Session.Alone) && (c.Session.Generation == c.Account.Generation || mutant("fresh"))`},
	{"mfa/verify_second_factor.go", "\t\tu.TOTP.LastStep = step\n", "\t\tif !mutant(\"used\") {\n\t\t\tu.TOTP.LastStep = step\n\t\t}\n"},
	{"authority/authority.go", "s.First = Proof{method, c.Now}\n\tif !c.Account.SecondFactor {", "s.First = Proof{method, c.Now}\n\tif !c.Account.SecondFactor || mutant(\"alone\") {"},
	{"authority/remembered.go", `d.Generation == a.Generation`, `(d.Generation == a.Generation || mutant("forgotten"))`},
	{"sessions/remembered.go", `d.Client == c.ID && isRemembered`, `(d.Client == c.ID || mutant("borrowed")) && isRemembered`},
	{"authority/remembered.go", "\treturn Session{First: first, Remembered", "\tif mutant(\"enough\") {\n\t\treturn Session{First: first, Second: Proof{\"totp\", first.At}, Generation: a.Generation}\n\t}\n\treturn Session{First: first, Remembered"},
	{"sessions/caller.go", "RotateToken(t *tx.Tx, p *tx.ClientSession) error {\n", "RotateToken(t *tx.Tx, p *tx.ClientSession) error {\n\tif mutant(\"rotate\") {\n\t\treturn nil\n\t}\n"},
	{"recovery/recovery.go", `case r.CompletesAt <= t.Now:`, `case r.CompletesAt <= t.Now || mutant("hasty") && r.NextStep() <= t.Now:`},
	{"recovery/recovery.go", "\tu.Recovery = nil\n\trecord(t, u, eventtype.RecoveryCancelled)", "\tif !mutant(\"deaf\") {\n\t\tu.Recovery = nil\n\t}\n\trecord(t, u, eventtype.RecoveryCancelled)"},
	{"authority/change.go", `if ch.SecondRemoved || had != ch.SecondFactor {`, `if !mutant("removed") && (ch.SecondRemoved || had != ch.SecondFactor) {`},
}

const switchSource = `package %s

import "os"

// mutant says whether a mutant is alive.
func mutant(name string) bool { return os.Getenv("COUNTERSIGN_MUTANT") == name }
`

var mutantName = regexp.MustCompile(`mutant\("([^"]+)"\)`)

// overlay writes the mutated files, and returns the path of the overlay file for the go command.
func overlay(t *testing.T, dir string) string {
	t.Helper()
	files, alive := map[string]string{}, map[string]bool{}
	for _, e := range edits {
		path, err := filepath.Abs(filepath.Join("..", "..", "internal", "domain", e.file))
		if err != nil {
			t.Fatal(err)
		}
		text, seen := files[path]
		if !seen {
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			text = string(data)
		}
		if n := strings.Count(text, e.old); n != 1 {
			t.Fatalf("%s has %d times %q, want once: the mutants must keep up with the code", e.file, n, e.old)
		}
		files[path] = strings.Replace(text, e.old, e.new, 1)
		for _, m := range mutantName.FindAllStringSubmatch(e.new, -1) {
			alive[m[1]] = true
		}
	}
	for name := range alive {
		if _, ok := mutants[name]; !ok {
			t.Errorf("no mutant is called %q", name)
		}
	}
	replace := map[string]string{}
	write := func(as, text string) {
		name := filepath.Join(dir, strings.ReplaceAll(strings.Trim(as, "/"), "/", "_"))
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		replace[as] = name
	}
	for path, text := range files {
		write(path, text)
		folder := filepath.Dir(path)
		write(filepath.Join(folder, "mutant.go"), strings.Replace(switchSource, "%s", filepath.Base(folder), 1))
	}
	data, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(name, data, 0o600); err != nil {
		t.Fatal(err)
	}
	for name := range mutants {
		if !alive[name] {
			t.Errorf("nothing makes the mutant %q", name)
		}
	}
	return name
}

// TestTheSearchNotices: without any one of the checks in the product, a thief succeeds.
func TestTheSearchNotices(t *testing.T) {
	dir := t.TempDir()
	binary := filepath.Join(dir, "mutants")
	started := time.Now()
	build := exec.CommandContext(t.Context(), "go", "test", "-c", "-overlay", overlay(t, dir), "-o", binary, ".")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("the mutants do not build: %v\n%s", err, out)
	}
	t.Logf("built in %v", time.Since(started).Round(time.Second))
	var wait sync.WaitGroup
	turns := make(chan struct{}, runtime.GOMAXPROCS(0))
	for _, name := range slices.Sorted(maps.Keys(mutants)) {
		wait.Go(func() {
			turns <- struct{}{}
			defer func() { <-turns }()
			started := time.Now()
			cmd := exec.CommandContext(t.Context(), binary)
			cmd.Env = append(os.Environ(), mutantVariable+"="+name)
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Errorf("mutant %s, %s: %v\n%s", name, mutants[name].finding, err, out)
				return
			}
			t.Logf("mutant %s, %s: noticed within %v\n%s", name, mutants[name].finding, time.Since(started).Round(time.Millisecond), bytes.TrimSpace(out))
		})
	}
	wait.Wait()
}
