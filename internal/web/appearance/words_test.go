package appearance_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/countersign-mfa/countersign/internal/web/appearance"
)

// mistakes are words and signs that a language's texts do not have, with the reason. One meaning
// has one word, and one page one form of address.
var mistakes = map[string]map[string]string{
	"en": {
		`(?i)network address`: `"IP address" is the known word`,
		`(?i)log.?in\b`:       `the pages say "sign in"`,
		`[a-z]'[a-z]`:         "an apostrophe is ’",
		`\bids?\b`:            "ID",
	},
	"de": {
		`(?i)textnachricht`:               "SMS",
		`(?i)\b(personen?|nutzer)\b`:      "Benutzer",
		`\b(?i:in|nach|seit) \{time\}`:    "a time span has no dative: Intl.RelativeTimeFormat writes one",
		`\bId\b`:                          "ID",
		`(?i)mehrfaktor([^-]|$|-anm)`:     "Mehrfaktor-Authentifizierung",
		`(?i)zurück zur sicherheit`:       `it means "back to safety"`,
		`(?i)ausschl[ieo]+ß|ausgeschloss`: "dauerhaft sperren",
		`(?i)\b(du|dein\w*|dir|dich)\b`:   "the pages say Sie",
		`(?i)geheimnis machen|wertlos`:    "erzeugen, ungültig",
	},
	"es": {
		`(?i)\b(usted\w*|suy[oa]s?|su servidor|sus servidores|int[eé]ntelo|b[uú]squel[oa]s?)\b`:           "the pages say tú",
		`(?i)\b(use|quite|confirme|cambie|elija|escriba|introduzca|revise|espere|vuelva|elimine|pulse)\b`: "the pages say tú",
		`(?i)mensajes? de texto|mensajes SMS`:                         "SMS",
		`(?i)\bquit(a|ar|ado|arl[oa])\b`:                              "eliminar",
		`(?i)predeterminar|expuls|readmit|ordenador|enlace de inicio`: "usar como predeterminado, suspender, reactivar, equipo, enlace de acceso",
	},
	"fr": {
		`\pL'\pL`:                    "an apostrophe is ’",
		`[ \pL}][?!;]|[ \pL}]:( |$)`: "a no-break space stands before ? ! ; :",
		`(?i)(^|[^\pL])(tu|ton|ta|tes|toi)([^\pL]|$)`: "the pages say vous",
		`(?i)\bemails?\b|\blogin|\btexto`:             "e-mail, connexion, SMS",
	},
	"pt": {
		`(?i)telemóvel|palavra-passe|ficheiro|utilizador|\becrã|contact[oe]\b`: "the texts are those of Brazil",
		`(?i)\b(tu|teu|tua|teus|tuas)\b`:                                       "the pages say você",
		`(?i)mensage(m|ns) de texto|\blogin`:                                   "SMS, entrar",
	},
	"ja": {
		`[\p{Han}\p{Hiragana}\p{Katakana}ー][?!]`: "the signs are ？ and ！",
		`ブラウザ([^ー]|$)`:                           "ブラウザー",
		`[0-9}] (年|月|日|時間|分|秒|件|回|個|桁|行|文字|人|番)`: "a number has no space before its counter",
		`[（）：]`:        "a colon and brackets are those of ASCII",
		`第二|ログイン`:      "第2要素, サインイン",
		`(電話|携帯)やパソコン`: "スマートフォンやパソコン",
	},
}

// everywhere are signs that the texts of no language have.
var everywhere = map[string]string{
	`  |^\s|\s$`: "a space too many",
	`\.\.\.`:     "an ellipsis is …",
}

// TestTheWordsOfALanguage: the texts of a language have none of its common mistakes.
func TestTheWordsOfALanguage(t *testing.T) {
	for lang, texts := range appearance.Texts() {
		if len(mistakes[lang]) == 0 {
			t.Errorf("no mistakes of %s are known", lang)
		}
		for _, list := range []map[string]string{mistakes[lang], everywhere} {
			for pattern, instead := range list {
				wrong := regexp.MustCompile(pattern)
				for key, text := range texts {
					if found := wrong.FindString(text); found != "" {
						t.Errorf("%s %s: %q has %q: %s", lang, key, text, found, instead)
					}
				}
			}
		}
	}
}

// numbered is a number with its noun, such as "12 users". A label before a number, such as "Users:
// 12", needs no plural.
var numbered = regexp.MustCompile(`\{count\} \pL`)

// TestNumbersHaveASingular: a text with a number and its noun has a singular in every language, for
// which Intl.PluralRules decides.
func TestNumbersHaveASingular(t *testing.T) {
	texts := appearance.Texts()
	plural := map[string]string{ // and why they need none
		"dash.of":     "a part of a whole",
		"dash.sample": "500",
		"event.times": "two or more",
	}
	for key, text := range texts["en"] {
		_, exempt := plural[key]
		if numbered.MatchString(text) && !exempt && !strings.HasSuffix(key, ".one") && texts["en"][key+".one"] == "" {
			t.Errorf("%s: %q has no %s.one", key, text, key)
		}
		if base, ok := strings.CutSuffix(key, ".one"); ok && texts["en"][base] == "" {
			t.Errorf("%s has no %s", key, base)
		}
	}
}
