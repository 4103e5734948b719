package sms

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/language"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
	"github.com/countersign-mfa/countersign/internal/web/appearance"
)

func TestAMessageIsOneSegment(t *testing.T) {
	for name, tc := range map[string]struct{ app, host, want string }{
		"a plain name":              {"Example", "example.com", "123456 is your Example code. Do not share it.\n\n@example.com #123456"},
		"a name with other letters": {"Größe 🔒", "example.com", "123456 is your Gre code. Do not share it.\n\n@example.com #123456"},
		"a name of nothing else":    {"東京", "example.com", "123456 is your code. Do not share it.\n\n@example.com #123456"},
		"a name that tries a line of its own": {"Bank\n@evil.example #999999", "example.com",
			"123456 is your Bankevil.example 999999 code. Do not share it.\n\n@example.com #123456"},
	} {
		s := &tx.Engine{SMSHost: tc.host}
		if got := codeBody(s, tc.app, "123456", language.English).Reveal(); got != tc.want {
			t.Errorf("%s:\n%s\nwant\n%s", name, got, tc.want)
		}
	}
	for _, host := range []string{"a.example", strings.Repeat("a", 60) + ".example", strings.Repeat("a", MaxHost)} {
		for _, app := range []string{"", "Example", strings.Repeat("Name ", 60)} {
			for _, in := range language.All {
				s := &tx.Engine{SMSHost: host}
				got := codeBody(s, app, "123456", in).Reveal()
				limit := GSMSegment
				if utf8.RuneCountInString(got) != len(got) {
					limit = UCS2Segment
				}
				if n := utf8.RuneCountInString(got); n > limit || !strings.HasSuffix(got, "\n@"+host+" #123456") || strings.Contains(got, "%!") {
					t.Errorf("%s, %d characters: %s", in, n, got)
				}
			}
		}
	}
}

// TestALongHost: a host that no segment holds makes the message longer, and does not hang.
func TestALongHost(t *testing.T) {
	s := &tx.Engine{SMSHost: strings.Repeat("a", MaxHost+10)}
	for _, in := range language.All {
		want := "123456 is your code. Do not share it.\n\n@" + s.SMSHost + " #123456"
		if got := codeBody(s, "Example", "123456", in).Reveal(); got != want {
			t.Errorf("%s: %s", in, got)
		}
	}
}

func TestMessagesAreLocalised(t *testing.T) {
	s := &tx.Engine{SMSHost: "example.com"}
	for in, want := range map[language.Tag]string{
		language.German: "123456 ist Ihr Code von Example. Geben Sie ihn niemandem.", language.Spanish: "123456 es su clave de Example. No la comparta.",
		language.Japanese: "Exampleの認証コードは123456です。", "fr": "123456 is your Example code. Do not share it.",
	} {
		if got := codeBody(s, "Example", "123456", in).Reveal(); got != want+"\n\n@example.com #123456" {
			t.Errorf("%s: %s", in, got)
		}
	}
}

// TestTheSettingsNameIsInMessages: a message has the name of the settings if it can hold the whole
// name. Half a name would look like that of another sender.
func TestTheSettingsNameIsInMessages(t *testing.T) {
	for name, want := range map[string]string{"": "Deployed", "Harbour & Sons": "Harbour & Sons", "Größe": "Deployed", "東京": "Deployed"} {
		s := &account.Settings{Appearance: appearance.Appearance{Name: name}}
		if got := AppName(s, "Deployed"); got != want {
			t.Errorf("%q is called %q in a message, want %q", name, got, want)
		}
	}
}
