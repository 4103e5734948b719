package web

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/nyaruka/phonenumbers"

	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/deliverylog"
	"github.com/countersign-mfa/countersign/internal/domain/eventtype"
)

func texts(*testing.T) catalogue { return newCatalogue(nil) }

var slot = regexp.MustCompile(`\{\w+\}`)

// TestEveryLanguageSaysTheSame: each language has the same keys and placeholders, and no empty
// text.
func TestEveryLanguageSaysTheSame(t *testing.T) {
	c := texts(t)
	for _, l := range languages {
		for key, english := range c["en"] {
			text, ok := c[l.code][key]
			if !ok || strings.TrimSpace(text) == "" {
				t.Errorf("%s has no %s", l.code, key)
				continue
			}
			want, got := slot.FindAllString(english, -1), slot.FindAllString(text, -1)
			slices.Sort(want)
			slices.Sort(got)
			if !slices.Equal(want, got) {
				t.Errorf("%s of %s fills %v, in English %v", key, l.code, got, want)
			}
		}
		if len(c[l.code]) != len(c["en"]) {
			t.Errorf("%s has %d texts, English %d", l.code, len(c[l.code]), len(c["en"]))
		}
	}
}

var (
	quoted = regexp.MustCompile(`'([a-z][a-z0-9_]*(?:\.[a-z0-9_]+)+)'`)
	inPage = regexp.MustCompile(`(?:d\.text\(|texts\[)"([a-z.]+)"[)\]]`)
	said   = regexp.MustCompile(`\bt\('([^']+)'`)
)

func sources(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	names, err := filepath.Glob("assets/js/*.js")
	if err != nil || len(names) < 20 {
		t.Fatalf("%d modules, %v", len(names), err)
	}
	for _, name := range append(names, "frame.go", "document.go") {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		out[name] = string(text)
	}
	return out
}

// settingsOf are settings without a switch, whose names appear in the audit log.
var settingsOf = map[string]bool{
	"allowed_origins": true, "appearance": true, "sms_countries": true, "sms_daily_cap_usd": true, "sms_country_caps": true, "sms_prices": true, "webhook_endpoints": true,
}

// TestTextsAreUsedAndUsesHaveTexts: every key in a script has a text, and every text is used.
func TestTextsAreUsedAndUsesHaveTexts(t *testing.T) {
	english := texts(t)["en"]
	used := map[string]bool{}
	for _, p := range sitemap {
		used[p.title] = true
	}
	used["missing.title"] = true
	for name, text := range sources(t) {
		for _, m := range append(quoted.FindAllStringSubmatch(text, -1), inPage.FindAllStringSubmatch(text, -1)...) {
			if _, ok := english[m[1]]; !ok && !strings.HasSuffix(m[1], ".js") {
				t.Errorf("%s uses %s, which has no text", name, m[1])
			}
			used[m[1]] = true
		}
		for _, m := range said.FindAllStringSubmatch(text, -1) {
			if _, ok := english[m[1]+".one"]; ok {
				t.Errorf("%s says %s without function counted, which knows its singular", name, m[1])
			}
		}
	}
	// Scripts compose these keys from codes, methods and settings, and function counted from a
	// plural category.
	for key := range english {
		if base, ok := strings.CutSuffix(key, ".one"); ok {
			used[key] = used[key] || used[base]
		}
		family, rest, _ := strings.Cut(key, ".")
		switch family {
		case "error", "event", "method", "setup", "user_locked", "user_banned":
			used[key] = true
		case "dash":
			composed := strings.HasPrefix(rest, "sms.status.") || strings.HasPrefix(rest, "sms.undelivered.") || strings.HasPrefix(rest, "sms.purpose.") || strings.HasPrefix(rest, "sms.reason.") || strings.HasPrefix(rest, "hooks.why.")
			used[key] = used[key] || composed || settingsOf[rest] || strings.Contains(sources(t)["assets/js/dashsettings.js"], "'"+strings.TrimSuffix(rest, ".text")+"'")
		}
		if !used[key] {
			t.Errorf("%s is never said", key)
		}
	}
}

// loadedLater matches the modules that a script loads when it needs them.
var loadedLater = regexp.MustCompile(`import\('\./([^']+)'\)`)

// TestFamiliesHaveWhatTheirModulesSay: a page gets a part of the catalogue, which holds every text
// of its scripts.
func TestFamiliesHaveWhatTheirModulesSay(t *testing.T) {
	c := texts(t)
	a, err := newAssets()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range append(slices.Clone(sitemap), page{script: "missing.js", title: "missing.title", kind: kindAccount}) {
		have := c.forKind("en", p.kind)
		if have[p.title] == "" || have["frame.blocked"] == "" {
			t.Errorf("%s has no title or frame", p.script)
		}
		modules := append([]string{p.script}, a.modules(p.script)...)
		for _, m := range loadedLater.FindAllStringSubmatch(string(a.files["js/"+p.script]), -1) {
			modules = append(append(modules, m[1]), a.modules(m[1])...)
		}
		for _, module := range modules {
			if module == "page.js" || p.kind == kindDashboard && module == "countries.js" {
				continue
			}
			for _, m := range quoted.FindAllStringSubmatch(string(a.files["js/"+module]), -1) {
				asked := module == "dashappearance.js" && c["en"][m[1]] != "" // it fetches the whole catalogue
				if have[m[1]] == "" && !asked && !strings.HasSuffix(m[1], ".js") {
					t.Errorf("%s (for %s) says %s, which the page does not get", module, p.script, m[1])
				}
			}
		}
	}
}

// TestErrorsHaveWords: each error that a user may meet has a text of its own.
func TestErrorsHaveWords(t *testing.T) {
	english := texts(t)["en"]
	for _, code := range []apierr.Code{
		apierr.FormCodeIncorrect, apierr.FormParamFormatInvalid, apierr.FormIdentifierExists, apierr.FormPasswordIncorrect, apierr.FormPasswordOrIdentifierIncorrect,
		apierr.FormIdentifierNotFound, apierr.VerificationExpired, apierr.VerificationFailed, apierr.VerificationMissing, apierr.VerificationAlreadyVerified,
		apierr.VerificationCodeTooManyRequests, apierr.TooManyRequests, apierr.UserLocked, apierr.UserBanned, apierr.FeatureNotEnabled, apierr.StrategyForUserInvalid,
		apierr.TOTPAlreadyEnabled, apierr.BackupCodesNotAvailable, apierr.SecondFactorDeletionNotAllowed, apierr.TooManyUnverifiedIdentifications,
		apierr.UnsupportedCountryCode, apierr.SMSSendError, apierr.TicketInvalidCode, apierr.TicketExpiredCode, apierr.SignInTokenAlreadyUsedCode,
		apierr.SignInTokenRevokedCode, apierr.SignInTokenCannotBeUsedCode, apierr.AuthenticationInvalid, apierr.ClerkKeyInvalid, apierr.ResourceNotFound,
		apierr.ResourceLocked, apierr.ServiceUnavailable, apierr.OriginInvalid,
	} {
		if english["error."+string(code)] == "" {
			t.Errorf("%s has no words", code)
		}
	}
	codes := map[string]bool{"title": true, "unknown": true, "copy": true, "network": true, "sms_paused": true}
	for _, e := range apierr.All() {
		codes[string(e.Code)] = true
	}
	for key := range english {
		if code, ok := strings.CutPrefix(key, "error."); ok && !codes[strings.TrimSuffix(code, ".wait")] {
			t.Errorf("%s is no error", key)
		}
	}
}

var entry = regexp.MustCompile(`\b([A-Z]{2})([0-9]{1,3})\b`)

// TestCallingCodes compares the pages' countries with the numbering plans.
func TestCallingCodes(t *testing.T) {
	_, text, _ := strings.Cut(sources(t)["assets/js/countries.js"], "table = '")
	text, _, _ = strings.Cut(text, "'")
	ours := map[string]int{}
	for _, m := range entry.FindAllStringSubmatch(text, -1) {
		ours[m[1]], _ = strconv.Atoi(m[2])
	}
	theirs := map[string]int{}
	for region := range phonenumbers.GetSupportedRegions() {
		theirs[region] = phonenumbers.GetCountryCodeForRegion(region)
	}
	for _, region := range []string{"AC", "TA", "SJ"} { // uninhabited, or in one of the lists only
		delete(ours, region)
		delete(theirs, region)
	}
	if !maps.Equal(ours, theirs) {
		for region, code := range theirs {
			if ours[region] != code {
				t.Errorf("%s is +%d, the page says +%d", region, code, ours[region])
			}
		}
		for region := range ours {
			if theirs[region] == 0 {
				t.Errorf("%s is no region of the plans", region)
			}
		}
	}
}

func TestAccentsCanBeRead(t *testing.T) {
	value := regexp.MustCompile(`--accent:(#\w{6});--on-accent:(#\w{6});--accent-ink:(#\w{6})`)
	for _, accent := range []string{"", "#000000", "#ffffff", "#ffd400", "#ff0000", "#00ff00", "#0000ff", "#808080", "#3457d5", "#fafafa", "#101010"} {
		style, err := accentStyle(accent)
		if err != nil {
			t.Fatal(err)
		}
		found := value.FindAllStringSubmatch(style, -1)
		if len(found) != 2 {
			t.Fatalf("style %s", style)
		}
		for i, surfaces := range [][]string{{"#ffffff", "#f4f5f8"}, {"#0f1218", "#191d26"}} {
			a, _ := parseColour(found[i][1])
			on, _ := parseColour(found[i][2])
			ink, _ := parseColour(found[i][3])
			if c := contrast(a, on); c < 4.5 {
				t.Errorf("%q: the text on %v has a contrast of %.2f", accent, a, c)
			}
			for _, surface := range surfaces {
				s, _ := parseColour(surface)
				if c := contrast(ink, s); c < 4.5 {
					t.Errorf("%q: links on %s have a contrast of %.2f", accent, surface, c)
				}
			}
		}
	}
	for _, bad := range []string{"red", "#fff", "#12345g", "#1234567", "url(x)"} {
		if _, err := accentStyle(bad); err == nil {
			t.Errorf("%q is taken for a colour", bad)
		}
	}
	// WCAG's own extremes.
	if c := contrast(rgb{}, rgb{255, 255, 255}); c < 20.99 || c > 21.01 {
		t.Errorf("black on white is %.3f", c)
	}
}

// TestModulesAreWhatTheyImport: every import has the form that newAssets recognizes, so that pages
// preload it.
func TestModulesAreWhatTheyImport(t *testing.T) {
	a, err := newAssets()
	if err != nil {
		t.Fatal(err)
	}
	anyImport := regexp.MustCompile(`\bfrom '([^']+)'`)
	for name, text := range sources(t) {
		for _, m := range anyImport.FindAllStringSubmatch(text, -1) {
			file := strings.TrimPrefix(m[1], "./")
			if a.files["js/"+file] == nil || !slices.Contains(a.modules(strings.TrimPrefix(name, "assets/js/")), file) {
				t.Errorf("%s imports %s, which the page does not know", name, m[1])
			}
		}
		for _, word := range []string{"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "http://", "https://"} {
			if strings.Contains(text, word) && !strings.Contains(text, "http://www.w3.org/2000/svg") {
				t.Errorf("%s uses %s", name, word)
			}
		}
	}
	for _, p := range sitemap {
		if a.files["js/"+p.script] == nil {
			t.Errorf("%s has no module %s", p.path, p.script)
		}
	}
}

// TestTheEventLogOffersEveryType: the filter of the event log has the types that the log lists, and
// each has a text.
func TestTheEventLogOffersEveryType(t *testing.T) {
	english := texts(t)["en"]
	script := sources(t)["assets/js/eventlog.js"]
	listed := regexp.MustCompile(`(?s)export const types = \((.*?)\)\.split`).FindStringSubmatch(script)
	if listed == nil {
		t.Fatal("the script has no list of types")
	}
	got := strings.Fields(strings.NewReplacer("'", " ", "+", " ").Replace(listed[1]))
	var want []string
	for _, kind := range eventtype.All() {
		if !kind.Routine && !kind.LogOnly {
			want = append(want, string(kind.Name))
			if english["event."+string(kind.Name)] == "" {
				t.Errorf("event.%s has no text", kind.Name)
			}
		}
	}
	for lang, names := range texts(t) {
		seen := map[string]string{}
		for _, name := range got {
			text := names["event."+name]
			if seen[text] != "" {
				t.Errorf("%s: %s and %s are both %q", lang, seen[text], name, text)
			}
			seen[text] = name
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("the filter offers %v, want %v", got, want)
	}
}

// TestEveryFailedDeliveryIsExplained: each reason why a webhook was not delivered has a text.
func TestEveryFailedDeliveryIsExplained(t *testing.T) {
	english := texts(t)["en"]
	for _, problem := range []deliverylog.Problem{deliverylog.Status, deliverylog.Timeout, deliverylog.Address, deliverylog.Name, deliverylog.Certificate, deliverylog.Connection, deliverylog.Unsigned} {
		if english["dash.hooks.why."+string(problem)] == "" {
			t.Errorf("%s has no text", problem)
		}
	}
}

// TestSignsBetweenTextsAreOfTheLanguage: no script writes a colon between two texts, because French
// has a space before it. The scripts take frame.labelled. A CSV file is for programs.
func TestSignsBetweenTextsAreOfTheLanguage(t *testing.T) {
	for name, script := range sources(t) {
		if found := regexp.MustCompile("\\}: \\$\\{").FindString(script); found != "" && name != "assets/js/dashtrail.js" {
			t.Errorf("%s writes a colon between two texts", name)
		}
	}
}
