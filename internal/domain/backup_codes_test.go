package domain_test

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"github.com/countersign-mfa/countersign/internal/crypto/seal"
	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
)

// TestBackupCodesFromBefore: a set without a key of its own, from an earlier release, works, each
// code once. So does a set after a rotation.
func TestBackupCodesFromBefore(t *testing.T) {
	for name, age := range map[string]func(p *person){
		"without a key of its own": func(p *person) {
			p.rewrite(func(record map[string]any) {
				set := record["bc"].(map[string]any)
				delete(set, "k")
				var tags []byte
				for _, code := range p.backup {
					tags = append(tags, p.Config.Ring.MAC("backup-code", strings.TrimPrefix(p.id, "user_"), set["i"].(string), strings.ReplaceAll(code, "-", ""))...)
				}
				set["t"] = base64.StdEncoding.EncodeToString(tags)
			})
		},
		"under the key before": func(p *person) {
			p.Must(p.Config.Ring.Replace(2, map[uint32]seal.Key{1: {1, 2, 3}, 2: {4, 5, 6}}))
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := newWorld(t).member()
			age(p)
			for i, code := range p.backup[:2] {
				_, err := p.Admin.VerifyTOTP(t.Context(), p.id, secret.New(code))
				p.Must(err)
				_, err = p.Admin.VerifyTOTP(t.Context(), p.id, secret.New(code))
				p.want(apierr.FormCodeIncorrect, err)
				u, err := p.Admin.User(t.Context(), p.id)
				p.Must(err)
				if left := backupCodesLeft(t, p); left != 9-i || u.SecondFailures.Failures != 0 {
					t.Errorf("%d codes are left and %d failures were counted, want %d and none", left, u.SecondFailures.Failures, 9-i)
				}
			}
			_, err := p.Admin.VerifyTOTP(t.Context(), p.id, secret.New("aaaaa-aaaaa"))
			p.want(apierr.FormCodeIncorrect, err)
			if u, err := p.Admin.User(t.Context(), p.id); err != nil || u.SecondFailures.Failures != 1 {
				t.Errorf("a wrong code was not counted: %v", err)
			}
		})
	}
}

// backupCodesLeft counts the stored tags.
func backupCodesLeft(t *testing.T, p *person) (left int) {
	t.Helper()
	p.rewrite(func(record map[string]any) {
		set := record["bc"].(map[string]any)
		tags, err := base64.StdEncoding.DecodeString(set["t"].(string))
		p.Must(err)
		left = len(tags) / 17
		if v, ok := set["k"].(json.Number); ok && v != "0" {
			left = len(tags) / 12
		}
	})
	return left
}
