package sms

import (
	"fmt"
	"strings"
	"testing"

	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/gsm"
	"github.com/countersign-mfa/countersign/internal/domain/language"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
	"github.com/countersign-mfa/countersign/internal/web/appearance"
)

// TestAMessageIsOneSegment: names keep their letters. Where the GSM alphabet lacks one, a message
// has the usual spelling, or is in UCS-2 with the whole name.
func TestAMessageIsOneSegment(t *testing.T) {
	for name, tc := range map[string]struct{ app, want string }{
		"a plain name":                       {"Example", "123456 is your Example code. Do not share it."},
		"letters of the alphabet":            {"Größe Ñ", "123456 is your Größe Ñ code. Do not share it."},
		"a typographic apostrophe":           {"Müller’s Bank", "123456 is your Müller's Bank code. Do not share it."},
		"a ligature and a stroke":            {"ﬁn Łódź", "123456 is your fin Lodz code. Do not share it."},
		"a sign without a spelling":          {"Größe 🔒", "123456 is your Größe code. Do not share it."},
		"other letters":                      {"東京", "123456 is your 東京 code. Do not share it."},
		"other letters with a typographic ’": {"’東京’", "123456 is your ’東京’ code. Do not share it."},
		"too many other letters":             {"東京東京東京東京東京東京", "123456 is your code. Do not share it."},
		"signs only":                         {"🔒", "123456 is your code. Do not share it."},
		"a name that tries a line of its own": {"Bank\n@evil.example #999999",
			"123456 is your Bank evil.example 999999 code. Do not share it."},
		"a name that turns the text around": {"東\u202e京", "123456 is your 東京 code. Do not share it."},
		"full-width signs of a bound line":  {"＠evil ＃9", "123456 is your evil 9 code. Do not share it."},
	} {
		want := tc.want + "\n\n@example.com #123456"
		if got := codeBody(&tx.Engine{SMSHost: "example.com"}, []string{tc.app}, "123456", language.English).Reveal(); got != want {
			t.Errorf("%s:\n%s\nwant\n%s", name, got, want)
		}
	}
	for _, host := range []string{"a.example", strings.Repeat("a", 60) + ".example", strings.Repeat("a", MaxHost)} {
		for _, app := range []string{"", "Example", strings.Repeat("Name ", 60), strings.Repeat("€", 90), strings.Repeat("ñ", 200), strings.Repeat("東京 ", 30), strings.Repeat("🔒東", 30)} {
			for _, in := range language.All {
				s := &tx.Engine{SMSHost: host}
				got := codeBody(s, []string{app}, "123456", in).Reveal()
				if n := segments(got); n != 1 || !strings.HasSuffix(got, "\n@"+host+" #123456") || strings.Contains(got, "%!") {
					t.Errorf("%s, %d segments: %s", in, n, got)
				}
			}
		}
	}
}

// TestAJapaneseMessageHasTheWholeName: a message that is in UCS-2 anyway folds nothing.
func TestAJapaneseMessageHasTheWholeName(t *testing.T) {
	for name, want := range map[string]string{
		"Müller’s Łódź": "Müller’s Łódź", "A\u030aland 🔒": "Åland 🔒", "می\u200cخواهم": "می\u200cخواهم",
		"One two three four five six seven eight": "One two three four five six seven", "東" + strings.Repeat("🔒", 20): "東" + strings.Repeat("🔒", 16), strings.Repeat("e\u0323\u0302", 40): strings.Repeat("ệ", 34),
	} {
		got := codeBody(&tx.Engine{SMSHost: "e.example"}, []string{name}, "123456", language.Japanese).Reveal()
		if want += "の認証コードは123456です。\n\n@e.example #123456"; got != want {
			t.Errorf("%q:\n%s\nwant\n%s", name, got, want)
		}
	}
}

// TestALongHost: a host that no segment holds makes the message longer, and does not hang.
func TestALongHost(t *testing.T) {
	s := &tx.Engine{SMSHost: strings.Repeat("a", MaxHost+10)}
	for _, in := range language.All {
		want := "123456 is your code. Do not share it.\n\n@" + s.SMSHost + " #123456"
		if got := codeBody(s, []string{"Example"}, "123456", in).Reveal(); got != want {
			t.Errorf("%s: %s", in, got)
		}
	}
}

// TestEveryLanguageHasItsWords: a wording outside of the GSM alphabet would have 70 characters a
// segment. Japanese has no other choice.
func TestEveryLanguageHasItsWords(t *testing.T) {
	for _, in := range language.All {
		words := codeWordings[in]
		for _, text := range []string{fmt.Sprintf(words.with, "123456", "Example"), fmt.Sprintf(words.without, "123456")} {
			if !strings.Contains(text, "123456") {
				t.Errorf("%s: %q has no code", in, text)
			}
			if _, inGSM := gsm.Places(text); inGSM == (in == language.Japanese) {
				t.Errorf("%s: %q is in the GSM alphabet: %v", in, text, inGSM)
			}
		}
	}
}

func TestMessagesAreLocalised(t *testing.T) {
	s := &tx.Engine{SMSHost: "example.com"}
	for in, want := range map[language.Tag]string{
		language.German: "123456 ist Ihr Code von Example. Geben Sie ihn niemandem.", language.Spanish: "123456 es tu clave de Example. No la compartas.",
		language.Japanese: "Exampleの認証コードは123456です。", "nl": "123456 is your Example code. Do not share it.",
		language.French: "123456 est votre code Example. Ne le donnez pas.", language.Portuguese: "Use 123456 para se identificar em Example. Guarde em segredo.",
	} {
		if got := codeBody(s, []string{"Example"}, "123456", in).Reveal(); got != want+"\n\n@example.com #123456" {
			t.Errorf("%s: %s", in, got)
		}
	}
}

// TestTheNameInMessages: the name for messages comes before that of the pages, which comes before
// the deployed one. A name whose letters a message cannot hold is passed over: half a name would
// look like that of another sender.
func TestTheNameInMessages(t *testing.T) {
	long := strings.Repeat("東京", 15)
	for _, tc := range []struct{ forMessages, ofPages, want string }{
		{"", "", "Deployed"}, {"", "Harbour & Sons", "Harbour & Sons"}, {"", "Größe", "Größe"}, {"", "東京", "東京"}, {"", long, "Deployed"},
		{"Tokyo Bank", long, "Tokyo Bank"}, {"Short", "Harbour & Sons", "Short"}, {long, "Harbour & Sons", "Harbour & Sons"}, {long, "🔒", "Deployed"},
		{"", "!!!", "Deployed"}, {"", "…", "Deployed"}, {"", "€", "Deployed"}, {"", "７", "7"}, {"", "٣", "٣"},
	} {
		s := &account.Settings{SMSName: tc.forMessages, Appearance: appearance.Appearance{Name: tc.ofPages}}
		if got := WithName(Names(s, "Deployed"), func(name string) string { return name + " is a frame of some length, in the alphabet of GSM" }); !strings.HasPrefix(got, tc.want+" is") {
			t.Errorf("%+v: %q", tc, got)
		}
	}
}
