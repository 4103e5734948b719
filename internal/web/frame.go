package web

// pageData is what the frame of a page shows.
type pageData struct {
	Lang, Title, Name, Logo, Support, Nonce, Base string
	Kind                                          kind
	Narrow                                        bool
	Style                                         string // CSS that accentStyle made
	Script                                        string
	Preload                                       []string
	Languages                                     []languageLink
	Texts                                         map[string]string
	Data                                          scriptData
	Body                                          markup // of a document
	Strip                                         markup // in development
}

// mark is Countersign's mark, which a page shows in place of a logo.
const mark markup = `<svg viewBox="0 0 32 32" width="32" height="32" aria-hidden="true"><rect width="32" height="32" rx="9" stroke="none"/><path d="M8.5 16.8 13 21.3 23.5 10.7" fill="none" stroke-width="3" stroke-linecap="round" stroke-linejoin="round"/></svg>`

// html returns the page.
func (d pageData) html() (markup, error) {
	if d.Kind == kindDocument {
		return join(d.head(), d.body(), "</body>\n</html>\n"), nil
	}
	data, err := jsonData(d.Data)
	if err != nil {
		return "", err
	}
	return join(d.head(), d.body(), `<script type="application/json" id="data">`, data, "</script>\n</body>\n</html>\n"), nil
}

func (d pageData) head() markup {
	nonce, base := text(d.Nonce), text(d.Base)
	return join(`<!doctype html>
<html lang="`, text(d.Lang), `" dir="ltr" class="`, text(string(d.Kind)), `">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
`, when(d.Kind != kindDocument, `<script type="module" async fetchpriority="high" nonce="`, nonce, `" src="`, base, `js/early.js"></script>
`), `<title>`, text(d.Title), ` · `, text(d.Name), `</title>
<link rel="icon" href="`, base, `mark.svg" type="image/svg+xml">
<link rel="stylesheet" nonce="`, nonce, `" href="`, base, `style.css">
`, when(d.Kind == kindDocument, `<link rel="stylesheet" nonce="`, nonce, `" href="`, base, `document.css">
`), `<style nonce="`, nonce, `">`, markup(d.Style), `</style>
`, each(d.Preload, func(module string) markup {
		return join(`<link rel="modulepreload" nonce="`, nonce, `" href="`, base, `js/`, text(module), `">
`)
	}), `<script type="module" nonce="`, nonce, `" src="`, base, `js/`, text(d.Script), `"></script>
</head>
`)
}

func (d pageData) body() markup {
	logo := mark
	if d.Logo != "" {
		logo = join(`<img src="`, link(d.Logo), `" alt="" width="32" height="32">`)
	}
	return join(`<body>
<a class="skip" href="#main">`, d.text("frame.skip"), `</a>
`, d.Strip, `<header class="top">
<span class="logo">`, logo, `<span>`, text(d.Name), `</span></span>
<div id="top"></div>
</header>
<main id="main" tabindex="-1"`, when(d.Narrow, ` class="narrow"`), `>
`, d.content(), `
</main>
<footer class="bottom">
`, when(len(d.Languages) > 0, `<nav aria-label="`, d.text("frame.language"), `"><ul>`, each(d.Languages, languageLink.html), `</ul></nav>`), `
`, when(d.Support != "", `<a href="`, link(d.Support), `">`, d.text("frame.support"), `</a>`), `
</footer>
<div id="toasts" role="status" aria-live="polite"></div>
`)
}

// content is the body of a document, or what a page shows before its script renders.
func (d pageData) content() markup {
	if d.Kind == kindDocument {
		return d.Body
	}
	return join(d.waiting(), `
<noscript><div class="card notice"><p>`, d.text("frame.noscript"), `</p></div></noscript>`)
}

// waiting is what a page shows before its script renders: its title and the outline of two fields
// at once, "still loading" after 3 seconds, and what to do when a script failed or nothing came for
// 20 seconds.
func (d pageData) waiting() markup {
	return join(`<div id="page"><div class="card waiting" aria-busy="true"><h1>`, text(d.Title), `</h1>
<div class="under"><div class="outline" aria-hidden="true"><i></i><i></i><i></i><i></i></div>
<p class="late" role="status">`, d.text("frame.loading"), `</p>
<p class="blocked">`, d.text("frame.blocked"), `</p></div>
</div></div>`)
}

func (d pageData) text(key string) markup { return text(d.Texts[key]) }

func (l languageLink) html() markup {
	code := text(l.Code)
	return join(`<li><a href="`, link(l.Href), `" hreflang="`, code, `" lang="`, code, `"`, when(l.Current, ` aria-current="true"`), `>`, text(l.Name), `</a></li>`)
}
