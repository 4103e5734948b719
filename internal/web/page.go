package web

import (
	"crypto/rand"
	"net/http"
	"net/url"
	"strings"

	"github.com/countersign-mfa/countersign/internal/domain/language"
	"github.com/countersign-mfa/countersign/internal/web/appearance"
)

// kind is a group of pages with the same frame.
type kind string

const (
	kindSignIn      kind = "sign-in"
	kindAccount     kind = "account"
	kindDashboard   kind = "dashboard"
	kindDevelopment kind = "development"
)

const signInToDashboard = "/dashboard/sign-in"

// returnParameter is the query parameter of a sign-in that names where it leads. The pages' scripts
// check it.
const returnParameter = "redirect_url"

// page is a path with the script that renders it.
type page struct {
	path, script, title string
	kind                kind
	narrow              bool
}

// sitemap lists every page.
var sitemap = []page{
	{"/sign-in", "signin.js", "signin.title", kindSignIn, false},
	{"/tasks/setup-mfa", "setup.js", "setup.title", kindSignIn, false},
	{"/account/security", "security.js", "security.title", kindAccount, false},
	{"/account/add-phone", "addphone.js", "phone.title", kindAccount, true},
	{"/account/add-authenticator", "addauthenticator.js", "app.title", kindAccount, true},
	{"/account/backup-codes", "backupcodes.js", "codes.title", kindAccount, true},
	{"/account/password", "password.js", "password.change", kindAccount, true},
	{signInToDashboard, "dashsignin.js", "dash.signin.title", kindDashboard, true},
	{"/dashboard", "dashsettings.js", "dash.settings.title", kindDashboard, false},
	{"/dashboard/events", "dashevents.js", "dash.events.title", kindDashboard, false},
	{"/dashboard/appearance", "dashappearance.js", "dash.appearance.title", kindDashboard, false},
	{"/dashboard/messages", "dashmessages.js", "dash.sms.title", kindDashboard, false},
	{"/dashboard/statistics", "dashstatistics.js", "dash.statistics.title", kindDashboard, false},
	{"/dashboard/users", "dashusers.js", "dash.users.title", kindDashboard, false},
	{"/dashboard/users/{id}", "dashuser.js", "dash.user.title", kindDashboard, false},
	{PhonePath, "devphone.js", "dev.title", kindDevelopment, false},
}

// scriptData is the configuration of a page's script, as JSON in the page.
type scriptData struct {
	Lang        string            `json:"lang"`
	Name        string            `json:"name"`
	Title       string            `json:"title"`
	AfterSignIn string            `json:"after_sign_in"`
	Origins     []string          `json:"origins"`
	Loopback    bool              `json:"loopback"`
	Support     string            `json:"support"`
	Texts       map[string]string `json:"texts"`
}

type languageLink struct {
	Code, Name, Href string
	Current          bool
}

// servePage writes a page. The page holds no user data: its script asks the API, with the visitor's
// cookie.
func (p *pages) servePage(w http.ResponseWriter, r *http.Request, at page, status int) {
	if p.chooseLanguage(w, r) {
		return
	}
	now := p.appearances.get(r.Context())
	lang := now.language(r)
	texts := now.catalogue.forKind(lang, at.kind)
	view := pageData{
		Lang: lang, Title: texts[at.title], Name: now.Name, Logo: now.Logo, Support: now.Support, Nonce: rand.Text(),
		Base: p.assets.base, Kind: at.kind, Narrow: at.narrow, Style: now.style, Script: at.script, Preload: p.assets.modules(at.script),
		Languages: languageLinks(lang, r.URL.Query()), Texts: texts, Strip: p.strip(now.catalogue[lang]),
		Data: scriptData{
			Lang: lang, Name: now.Name, Title: texts[at.title], AfterSignIn: p.AfterSignIn, Origins: append(append([]string{}, p.Origins...), now.origins...), Loopback: p.Development,
			Support: now.Support, Texts: texts,
		},
	}
	w.Header().Add("Vary", "Accept-Language, Cookie")
	p.write(w, r, status, now, view)
}

// write writes a page with its headers.
func (p *pages) write(w http.ResponseWriter, r *http.Request, status int, now *preparedAppearance, view pageData) {
	body, err := view.html()
	if err != nil {
		http.Error(w, "The page could not be rendered.", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", now.policy(view.Nonce))
	h.Set("Content-Language", view.Lang)
	writeCompressed(w, r, status, []byte(body))
}

// policy returns the Content-Security-Policy of a page. It allows scripts with the nonce, their
// imports, and requests to the page's own origin. It forbids framing, and Trusted Types keep text
// from becoming markup or code.
func (a *preparedAppearance) policy(nonce string) string {
	own := " 'nonce-" + nonce + "'"
	return strings.Join([]string{
		"default-src 'none'", "script-src" + own, "style-src" + own, strings.TrimSpace("img-src 'self' " + a.logo), "connect-src 'self'", "form-action 'self'",
		"base-uri 'none'", "frame-ancestors 'none'", "require-trusted-types-for 'script'", "trusted-types 'none'",
	}, "; ")
}

// languageCookie holds the chosen language. It holds nothing else, so it is not signed.
const languageCookie = "countersign_lang"

// chooseLanguage answers the footer's links, ?lang=: it sets the cookie and redirects to the same
// page without the parameter. It returns false for a request without a known language.
func (p *pages) chooseLanguage(w http.ResponseWriter, r *http.Request) bool {
	query := r.URL.Query()
	chosen := query.Get("lang")
	if _, ok := appearance.Texts()[chosen]; !ok {
		return false
	}
	http.SetCookie(w, &http.Cookie{
		Name: languageCookie, Value: chosen, Path: "/", MaxAge: 365 * 24 * 3600, HttpOnly: true, Secure: p.secure, SameSite: http.SameSiteLaxMode,
	})
	query.Del("lang")
	to := url.URL{Path: r.URL.Path, RawQuery: query.Encode()}
	w.Header().Set("Cache-Control", "no-store")
	// The path cannot name another host: the mux has cleaned one that begins with two slashes.
	http.Redirect(w, r, to.String(), http.StatusSeeOther)
	return true
}

// language is the language of a request: that of the cookie, else of Accept-Language.
func (a *preparedAppearance) language(r *http.Request) string {
	if c, err := r.Cookie(languageCookie); err == nil {
		if _, ok := a.catalogue[c.Value]; ok {
			return c.Value
		}
	}
	return string(language.Preferred(r.Header.Get("Accept-Language")))
}

// languageLinks returns the links to a page in each language. They keep where a sign-in leads.
func languageLinks(current string, query url.Values) []languageLink {
	var out []languageLink
	for _, l := range languages {
		href := "?lang=" + l.code
		if to := query.Get(returnParameter); to != "" {
			href += "&" + url.Values{returnParameter: {to}}.Encode()
		}
		out = append(out, languageLink{Code: l.code, Name: l.name, Href: href, Current: l.code == current})
	}
	return out
}
