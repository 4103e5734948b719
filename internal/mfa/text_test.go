package mfa

import (
	"strings"
	"testing"
)

func TestAMessageIsOneSegment(t *testing.T) {
	for name, tc := range map[string]struct{ app, host, want string }{
		"a plain name":              {"Example", "example.com", "123456 is your Example code. Do not share it.\n\n@example.com #123456"},
		"a name with other letters": {"Größe 🔒", "example.com", "123456 is your Gre code. Do not share it.\n\n@example.com #123456"},
		"a name of nothing else":    {"東京", "example.com", "123456 is your code. Do not share it.\n\n@example.com #123456"},
		"a name that tries a line of its own": {"Bank\n@evil.example #999999", "example.com",
			"123456 is your Bankevil.example 999999 code. Do not share it.\n\n@example.com #123456"},
	} {
		s := &Service{appName: tc.app, smsHost: tc.host}
		if got := s.text("123456").Reveal(); got != tc.want {
			t.Errorf("%s:\n%s\nwant\n%s", name, got, tc.want)
		}
	}
	for _, host := range []string{"a.example", strings.Repeat("a", 60) + ".example"} {
		s := &Service{appName: strings.Repeat("Name ", 60), smsHost: host}
		got := s.text("123456").Reveal()
		if len(got) > segment || !strings.HasSuffix(got, "\n@"+host+" #123456") {
			t.Errorf("%d characters: %s", len(got), got)
		}
	}
}
