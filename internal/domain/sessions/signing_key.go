package sessions

import (
	"fmt"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/crypto/sessiontoken"
	"github.com/countersign-mfa/countersign/internal/domain/account"
)

func (s *Service) Mint(key *sessiontoken.Key, of *account.Session, snap *Snapshot, origin string) (secret.Value, error) {
	id, err := s.RandomID()
	if err != nil {
		return secret.Value{}, err
	}
	name, _ := account.ParseSession(of.ID)
	token, err := key.Mint(sessiontoken.Claims{
		Issuer: s.IssuerURL, Subject: account.PrefixUser + name.User, SessionID: of.ID, AuthorizedParty: origin,
		IssuedAt: snap.Now.Time(), Ages: snap.Ages(of), Status: string(snap.Status(of)), ID: id,
	})
	if err != nil {
		return secret.Value{}, fmt.Errorf("mint session token: %w", err)
	}
	return token, nil
}
