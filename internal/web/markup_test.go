package web

import "testing"

// TestMarkup: no text of an operator or a caller becomes markup.
func TestMarkup(t *testing.T) {
	data, err := jsonData(map[string]string{"a": `</script><script>&'"` + "\u2028"})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name      string
		got, want markup
	}{
		{"text", text(`<b a="1" c='2'>&amp;`), `&lt;b a=&#34;1&#34; c=&#39;2&#39;&gt;&amp;amp;`},
		{"data", data, `{"a":"\u003c/script\u003e\u003cscript\u003e\u0026'\"\u2028"}`},
		{"path", link("/logo.svg"), "/logo.svg"},
		{"https", link(`https://example.com/?a=1&b="`), `https://example.com/?a=1&amp;b=&#34;`},
		{"mail", link("mailto:help@example.com"), "mailto:help@example.com"},
		{"script", link("javascript:alert(1)"), "#"},
		{"script in capitals", link("JavaScript:alert(1)"), "#"},
		{"script after a control character", link("\x01javascript:alert(1)"), "#"},
		{"script after a space", link(" javascript:alert(1)"), "#"},
		{"script with a line break", link("java\nscript:alert(1)"), "#"},
		{"data URL", link("data:text/html,<script>"), "#"},
	} {
		if c.got != c.want {
			t.Errorf("%s: %s, want %s", c.name, c.got, c.want)
		}
	}
}

// TestPageEscapesItsData: each value of a page is markup's text, wherever the frame shows it.
func TestPageEscapesItsData(t *testing.T) {
	const evil = `"><script>'</script>`
	page, err := pageData{
		Lang: evil, Title: evil, Name: evil, Logo: "/" + evil, Support: "https://example.com/" + evil, Nonce: evil, Base: evil, Kind: evil, Script: evil, Preload: []string{evil},
		Languages: []languageLink{{Code: evil, Name: evil, Href: "?" + evil}},
		Texts:     map[string]string{"frame.skip": evil, "frame.blocked": evil, "frame.noscript": evil, "frame.language": evil, "frame.support": evil},
		Data:      scriptData{Name: evil, Texts: map[string]string{"a": evil}},
	}.html()
	if err != nil {
		t.Fatal(err)
	}
	empty, err := pageData{Logo: "/", Support: "https://example.com", Preload: []string{""}, Languages: make([]languageLink, 1)}.html()
	if err != nil {
		t.Fatal(err)
	}
	if got, want := tags(page), tags(empty); got != want {
		t.Errorf("%d tags, want the frame's own %d:\n%s", got, want, page)
	}
}

func tags(page markup) (n int) {
	for _, c := range page {
		if c == '<' {
			n++
		}
	}
	return n
}
