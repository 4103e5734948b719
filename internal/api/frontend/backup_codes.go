package frontend

import (
	"github.com/countersign-mfa/countersign/internal/api/operation"
	"github.com/countersign-mfa/countersign/internal/api/wire"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/mfa"
)

// MeBackupCodesCreate is POST /v1/me/backup_codes.
func MeBackupCodesCreate() operation.Operation {
	return row("me-backup-codes-create", "POST /v1/me/backup_codes",
		"Replace the backup codes", operation.Writes, createBackupCodes,
		sensitive, []apierr.Code{apierr.BackupCodesNotAvailable, apierr.FeatureNotEnabled})
}

func createBackupCodes(c *operation.Call, _ operation.Empty) (Wrapped[wire.BackupCodes], error) {
	r, err := c.Service.MFA.CreateBackupCodes(c, c.Caller)
	if err != nil {
		return Wrapped[wire.BackupCodes]{}, err
	}
	out := wire.BackupCodes{Object: "backup_code", ID: mfa.WireID(r.Set), Codes: r.Codes, CreatedAt: int64(r.Set.CreatedAt), UpdatedAt: int64(r.Set.CreatedAt)}
	return wrap(c, out, r.Snapshot), nil
}
