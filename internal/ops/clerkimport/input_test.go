package clerkimport_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/ops/clerkimport"
)

// TestFilesOfOtherEditors: a byte order mark, line ends of Windows and empty lines mean nothing.
// The last line needs no end.
func TestFilesOfOtherEditors(t *testing.T) {
	p := open(t)
	p.Must(os.WriteFile(p.Input, []byte("\ufeff"+line(0)+"\r\n\r\n\n  \r\n"+line(1)+"\r\n"+line(2)), 0o600))
	for _, p.DryRun = range []bool{true, false} {
		p.run(clerkimport.Result{Lines: 6, Created: 3})
	}
}

// TestAFileThatIsAnArray: Clerk's API answers with an array. Its elements are numbered like lines.
func TestAFileThatIsAnArray(t *testing.T) {
	p := open(t)
	p.Must(os.WriteFile(p.Input, []byte("\ufeff\r\n [\n"+line(0)+",\n"+line(1)+", 7,\n"+line(2)+"]\n"), 0o600))
	for _, p.DryRun = range []bool{true, false} {
		p.run(clerkimport.Result{Lines: 4, Created: 3, Refused: 1})
		p.prints("line 3 refused: it is not a JSON object")
	}
	for text, want := range map[string]string{
		"[" + line(3) + ",{]": "the array is not JSON after 1 users", "[" + line(3): "the array has no end", "[]": "the file is empty", "[" + line(3) + "," + line(4) + "}": "the array has no end",
		"[" + line(3) + "]\n[" + line(4) + "]": "something follows the array", "[" + line(3) + "] x": "something follows the array", "[" + line(3) + "]\x00": "something follows the array",
	} {
		p.Must(os.WriteFile(p.Input, []byte(text), 0o600))
		if got, err := clerkimport.Run(t.Context(), *p.Config); err == nil || !strings.Contains(err.Error(), want) || got != (clerkimport.Result{}) {
			t.Errorf("%.20q: %+v %v, want %q", text, got, err, want)
		}
	}
}

// TestAFileOfAnotherEncoding is one error, and not a refusal for each line.
func TestAFileOfAnotherEncoding(t *testing.T) {
	p := open(t)
	for name, order := range map[string]interface {
		AppendUint16([]byte, uint16) []byte
	}{"little": binary.LittleEndian, "big": binary.BigEndian} {
		for _, mark := range []string{"\ufeff", ""} {
			var text []byte
			for _, unit := range utf16.Encode([]rune(mark + line(0) + "\n" + line(1) + "\n")) {
				text = order.AppendUint16(text, unit)
			}
			p.Must(os.WriteFile(p.Input, text, 0o600))
			if got, err := clerkimport.Run(t.Context(), *p.Config); err == nil || !strings.Contains(err.Error(), "UTF-16") || got != (clerkimport.Result{}) {
				t.Errorf("%s endian, mark %q: %+v %v", name, mark, got, err)
			}
		}
	}
}

// TestALineThatTwoReadersReadDifferently is refused: a field that stands twice, and text without a
// form in UTF-8.
func TestALineThatTwoReadersReadDifferently(t *testing.T) {
	p := open(t)
	for name, text := range map[string]string{
		"twice": `{"id":"user_a","id":"user_b","username":"ada"}`, "in other capitals": `{"id":"user_a","username":"ada","USERNAME":"bob"}`, "twice in a number": `{"id":"user_a","username":"ada","phone_numbers":[{"phone_number":"+12015550142","phone_number":"+12015550143"}]}`,
		"half a character": `{"id":"user_\ud800","username":"ada"}`, "deep": `{"id":"user_a","username":"ada","x":` + strings.Repeat("[", 40) + strings.Repeat("]", 40) + `}`,
	} {
		p.lines(text)
		p.run(clerkimport.Result{Lines: 1, Refused: 1})
		if !strings.Contains(p.out.String(), "refused: it has a field twice") {
			t.Errorf("%s: %s", name, &p.out)
		}
	}
	p.lines(`{"id":"user_a","username":"ada","public_metadata":{"a":1,"A":2}}`)
	p.run(clerkimport.Result{Lines: 1, Created: 1})
}

// TestOneBadNumberNeverRefusesAUser: with CreateWithout. A number of before a change of the plan is
// imported in its new form in every run (Mexico's regulator IFT, 3 August 2019).
func TestOneBadNumberNeverRefusesAUser(t *testing.T) {
	p := open(t)
	_, err := p.app.Service.Settings.Change(t.Context(), func(s *account.Settings) { s.SMSCountries = []string{"US", "MX"} })
	p.Must(err)
	user := func(id, number string) string {
		return fmt.Sprintf(`{"id":"user_%s","username":"%s","phone_numbers":[{"phone_number":"%s","reserved_for_second_factor":true,"verification":{"status":"verified"}}]}`, id, id, number)
	}
	p.lines(user("mexico", "+5215512345678"), user("none", "+1555"), user("france", "+33612345678"), user("free", "+18002345678"), user("right", "+12015550142"))
	p.run(clerkimport.Result{Lines: 5, Created: 2, Refused: 3})
	p.Must(os.Remove(p.State))
	p.Missing = clerkimport.CreateWithout
	p.lines(user("none", "+1555"), user("france", "+33612345678"), user("free", "+18002345678"))
	for _, p.DryRun = range []bool{true, false} {
		p.run(clerkimport.Result{Lines: 3, Created: 3})
		p.prints("not imported: a phone number that no numbering plan has (users: 1)", "gets no text messages; it stays as a number (users: 2)")
	}
	for id, want := range map[string]string{"mexico": "+525512345678 true", "none": "", "france": "+33612345678 false", "free": "+18002345678 false", "right": "+12015550142 true"} {
		got := ""
		for _, n := range p.users("user_" + id)[0].Phones {
			got = fmt.Sprint(n.Number, " ", n.Reserved)
		}
		if got != want {
			t.Errorf("%s: %q, want %q", id, got, want)
		}
	}
}

// TestAnIdentifierInTwoPlaces: a user whose line has an address or a number twice has it once. A
// number is a second factor if one of the places says so.
func TestAnIdentifierInTwoPlaces(t *testing.T) {
	p := open(t)
	p.lines(`{"id":"user_a","email_addresses":[{"email_address":"a@bücher.example","verification":{"status":"verified"}}],"email_address":["A@xn--bcher-kva.example"],` +
		`"phone_numbers":[{"phone_number":"+12015550111","verification":{"status":"verified"}},{"phone_number":"+1 (201) 555-0111","reserved_for_second_factor":true,"verification":{"status":"verified"}}],"phone_number":["+12015550111"]}`)
	p.run(clerkimport.Result{Lines: 1, Created: 1})
	users := p.users("user_a")
	if len(users) != 1 {
		t.Fatal("the user is not created")
	}
	u := users[0]
	if len(u.Emails) != 1 || len(u.Phones) != 1 || !u.Phones[0].Reserved {
		t.Errorf("the user has %+v and %+v", u.Emails, u.Phones)
	}
}

// TestEqualTextsOfTwoKinds: a username and an external id with the same text are two users.
func TestEqualTextsOfTwoKinds(t *testing.T) {
	p := open(t)
	p.lines(`{"external_id":"same","username":"a"}`, `{"username":"same"}`)
	p.run(clerkimport.Result{Lines: 2, Created: 2})
	p.run(clerkimport.Result{Lines: 2, Before: 2})
}

// TestUsersWithoutAnID: lines without an id are sent side by side, too.
func TestUsersWithoutAnID(t *testing.T) {
	p := open(t)
	var lines []string
	for i := range 40 {
		lines = append(lines, fmt.Sprintf(`{"email_address":["plain%d@example.com"]}`, i))
	}
	p.lines(lines...)
	p.run(clerkimport.Result{Lines: 40, Created: 40})
	state, err := os.ReadFile(p.State)
	p.Must(err)
	if n := bytes.Count(state, []byte("begun")); n != 1 {
		t.Errorf("the lines are sent in %d windows, want 1", n)
	}
}

// TestARefusedUserStaysRefused: a later run refuses the same line again, although the user of
// another writer looks the same.
func TestARefusedUserStaysRefused(t *testing.T) {
	p := open(t)
	p.lines(line(0), line(1))
	p.run(clerkimport.Result{Lines: 2, Created: 2})
	p.Must(os.Remove(p.State))
	for range 2 {
		p.run(clerkimport.Result{Lines: 2, Refused: 2})
	}
}

// TestABusyServerCreatedNothing: an answer that the server is busy does not make a user of another
// writer one of the import.
func TestABusyServerCreatedNothing(t *testing.T) {
	p := open(t)
	p.lines(line(0))
	p.run(clerkimport.Result{Lines: 1, Created: 1})
	p.Must(os.Remove(p.State))
	p.intercept = func(w http.ResponseWriter, _ *http.Request) bool {
		p.intercept = nil
		w.WriteHeader(http.StatusTooManyRequests)
		return true
	}
	p.run(clerkimport.Result{Lines: 1, Refused: 1})
}

// TestALookUpIsTriedAgain: the server fails when an import that goes on looks a user up.
func TestALookUpIsTriedAgain(t *testing.T) {
	for _, status := range []int{http.StatusTooManyRequests, http.StatusBadGateway} {
		p := open(t)
		p.lines(line(0))
		created, failed := false, false
		p.intercept = func(w http.ResponseWriter, r *http.Request) bool {
			switch {
			case r.Method == http.MethodPost && !created:
				created = true
				p.app.ServeHTTP(httptest.NewRecorder(), r)
				panic(http.ErrAbortHandler)
			case r.Method == http.MethodGet && !failed:
				failed = true
				w.WriteHeader(status)
				return true
			}
			return false
		}
		p.run(clerkimport.Result{Lines: 1, Before: 1})
		p.prints("trying again")
	}
}

// TestTwoImportsAtOnce: a second import with the same state file ends before it sends a user. Both
// would write over the lines of the other.
func TestTwoImportsAtOnce(t *testing.T) {
	p := open(t)
	p.lines(line(0))
	p.intercept = func(http.ResponseWriter, *http.Request) bool {
		p.intercept = nil
		second := *p.Config
		second.Out = io.Discard
		if got, err := clerkimport.Run(t.Context(), second); err == nil || !strings.Contains(err.Error(), "in use by another import") || got != (clerkimport.Result{}) {
			t.Errorf("%+v %v", got, err)
		}
		return false
	}
	p.run(clerkimport.Result{Lines: 1, Created: 1})
	p.run(clerkimport.Result{Lines: 1, Before: 1})
}

// TestTooLargeForAProxy: a proxy that takes no request of this size refuses the line alone.
func TestTooLargeForAProxy(t *testing.T) {
	p := open(t)
	p.lines(line(0), line(1), line(2))
	p.intercept = func(w http.ResponseWriter, r *http.Request) bool {
		if isAbout(r, 1) {
			w.WriteHeader(http.StatusRequestEntityTooLarge)
			return true
		}
		return false
	}
	p.run(clerkimport.Result{Lines: 3, Created: 2, Refused: 1})
	p.prints(`line 2 ("user_1") refused: it is too large for a request`)
}
