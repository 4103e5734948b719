package frontend

import (
	"github.com/countersign-mfa/countersign/internal/api/operation"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/passkeys"
)

// AppleAssociationGet is GET /.well-known/apple-app-site-association.
func AppleAssociationGet() operation.Operation {
	return operation.New(operation.Public, "apple-app-site-association-get", "GET /.well-known/apple-app-site-association",
		"The iOS apps that may use passkeys, if the settings name any", 0, getAppleAssociation, operation.NotFound)
}

// AssetLinksGet is GET /.well-known/assetlinks.json.
func AssetLinksGet() operation.Operation {
	return operation.New(operation.Public, "assetlinks-get", "GET /.well-known/assetlinks.json",
		"The Android apps that may use passkeys, if the settings name any", 0, getAssetLinks, operation.NotFound)
}

// AppleAssociation is the file that iOS reads before an app may use passkeys of a domain:
// developer.apple.com, "Supporting associated domains".
type AppleAssociation struct {
	WebCredentials AppleApps `json:"webcredentials"`
}

// AppleApps are iOS apps by team id and bundle id.
type AppleApps struct {
	Apps []string `json:"apps"`
}

func getAppleAssociation(c *operation.Call, _ operation.Empty) (AppleAssociation, error) {
	apps := c.Settings.PasskeyAppleApps
	if len(apps) == 0 {
		return AppleAssociation{}, apierr.New(apierr.ResourceNotFound)
	}
	c.Answer.Header().Set("Cache-Control", "public, max-age=300")
	return AppleAssociation{AppleApps{apps}}, nil
}

// AssetLink is an entry of the file that Android reads before an app may use passkeys of a domain:
// developer.android.com, "Configure Digital Asset Links".
type AssetLink struct {
	Relation []string    `json:"relation"`
	Target   AssetTarget `json:"target"`
}

// AssetTarget is an Android app.
type AssetTarget struct {
	Namespace    string   `json:"namespace"`
	Package      string   `json:"package_name"`
	Fingerprints []string `json:"sha256_cert_fingerprints"`
}

func getAssetLinks(c *operation.Call, _ operation.Empty) ([]AssetLink, error) {
	links := []AssetLink{}
	for _, app := range passkeys.AndroidApps(&c.Settings) {
		links = append(links, AssetLink{
			Relation: []string{"delegate_permission/common.handle_all_urls", "delegate_permission/common.get_login_creds"},
			Target:   AssetTarget{"android_app", app.Package, []string{app.Fingerprint}},
		})
	}
	if len(links) == 0 {
		return nil, apierr.New(apierr.ResourceNotFound)
	}
	c.Answer.Header().Set("Cache-Control", "public, max-age=300")
	return links, nil
}
