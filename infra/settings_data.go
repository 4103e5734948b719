package main

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
)

// Existing names parts of the data that the data stack does not make, as after a restore.
type Existing struct {
	Table       string `yaml:"table"`
	TableStream string `yaml:"table_stream"`
	SealingKey  string `yaml:"sealing_key"`
	Secret      string `yaml:"secret"`
}

// Backup is a daily backup of the table by AWS Backup, beside point-in-time recovery.
type Backup struct {
	Days   int    `yaml:"days"`    // 0 for no backups
	CopyTo string `yaml:"copy_to"` // ARN of a backup vault, or empty
}

func (b Backup) on() bool { return b.Days > 0 }

// Warm is the throughput, in units per second, for which the table is ready from the start.
type Warm struct {
	Reads  int `yaml:"reads"`
	Writes int `yaml:"writes"`
}

var (
	// Naming rules: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Limits.html
	tableForm     = regexp.MustCompile(`^[a-zA-Z0-9_.-]{3,255}$`)
	streamForm    = regexp.MustCompile(`^arn:aws[a-z-]*:dynamodb:[a-z0-9-]+:[0-9]{12}:table/([a-zA-Z0-9_.-]+)/stream/[0-9T:.-]+$`)
	keyForm       = regexp.MustCompile(`^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[a-zA-Z0-9-]+$`)
	secretForm    = regexp.MustCompile(`^arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[a-zA-Z0-9/_+=.@-]+-[a-zA-Z0-9]{6}$`)
	principalForm = regexp.MustCompile(`^arn:aws[a-z-]*:iam::[0-9]{12}:(role|user)/([a-zA-Z0-9_+=,.@-]{1,64}/){0,8}[a-zA-Z0-9_+=,.@-]{1,64}$`)
	vaultForm     = regexp.MustCompile(`^arn:aws[a-z-]*:backup:[a-z0-9-]+:[0-9]{12}:backup-vault:[a-zA-Z0-9_-]{2,50}$`)
)

const (
	// ownData ends the name of the stack that holds a service's own data.
	ownData = "-data"
	// The least and the greatest length of the name of a backup vault, which is that of the data.
	leastDataName, maxDataName = 2, 50
	// webACL ends the name of the stack that `make acl` makes.
	webACL       = "-edge"
	maxBackupAge = 36_500
	// The least and the most warm throughput of a table in on-demand mode:
	// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/warm-throughput.html
	leastWarmReads, leastWarmWrites = 12_000, 4_000
	mostWarm                        = 40_000 // the quota of a table in a new account
)

// checkData returns every rule that the settings about data break.
func (s Settings) checkData() error {
	var wrong []error
	rule := func(ok bool, format string, args ...any) {
		if !ok {
			wrong = append(wrong, fmt.Errorf("  "+format, args...))
		}
	}
	rule(nameForm.MatchString(s.Data) && len(s.Data) >= leastDataName && len(s.Data) <= maxDataName, "data: %q is not a stack name of %d to %d letters, digits and hyphens", s.Data, leastDataName, maxDataName)
	rule(s.Data != s.Name && s.Data != s.Name+webACL, "data: %q is the stack of the service or of its web ACL, and the data need one of their own", s.Data)
	rule(!s.Canary || !s.KeepWarm, "keep_warm: a canary has no schedules; leave it false")
	rule(!s.Canary || s.Data != s.Name+ownData, "data: a canary needs the name of the stack of another service's data")
	rule(s.KeyOperator == "" || principalForm.MatchString(s.KeyOperator), "key_operator: %q is not the ARN of a role or user as in arn:aws:iam::111122223333:role/Operator", s.KeyOperator)
	rule(s.Backup.Days >= 0 && s.Backup.Days <= maxBackupAge, "backup.days: %d is not between 0 (no backups) and %d", s.Backup.Days, maxBackupAge)
	rule(s.Backup.CopyTo == "" || s.Backup.on(), "backup.copy_to: nothing is backed up; set backup.days")
	rule(s.Backup.CopyTo == "" || vaultForm.MatchString(s.Backup.CopyTo), "backup.copy_to: %q is not the ARN of a backup vault as in arn:aws:backup:eu-central-1:444455556666:backup-vault:countersign, with 2 to 50 letters, digits, hyphens and underscores at its end", s.Backup.CopyTo)
	if s.Warm != (Warm{}) {
		rule(s.Warm.Reads >= leastWarmReads && s.Warm.Reads <= mostWarm, "warm.reads: %d is not between %d, which every table has, and %d", s.Warm.Reads, leastWarmReads, mostWarm)
		rule(s.Warm.Writes >= leastWarmWrites && s.Warm.Writes <= mostWarm, "warm.writes: %d is not between %d, which every table has, and %d", s.Warm.Writes, leastWarmWrites, mostWarm)
		rule(s.Existing.Table == "", "warm: the table exists already; change it with aws dynamodb update-table --warm-throughput")
	}
	rule(!s.Canary || !s.Backup.on() && s.Warm == (Warm{}) && s.KeyOperator == "", "canary: a canary makes no data, so that backup, warm and key_operator belong into the settings of the other service")
	return errors.Join(append(wrong, s.Existing.check())...)
}

func (e Existing) check() error {
	var wrong []error
	rule := func(ok bool, format string, args ...any) {
		if !ok {
			wrong = append(wrong, fmt.Errorf("  existing."+format, args...))
		}
	}
	rule(e.Table == "" || tableForm.MatchString(e.Table), "table: %q is not the name of a DynamoDB table", e.Table)
	rule(e.TableStream == "" || e.Table != "", "table_stream: there is no existing.table of which it would be the stream")
	if e.Table != "" {
		of := streamForm.FindStringSubmatch(e.TableStream)
		rule(of != nil && of[1] == e.Table, "table_stream: %q is not the ARN of a stream of the table %s; aws dynamodb describe-table has it as LatestStreamArn", e.TableStream, e.Table)
	}
	rule(e.SealingKey == "" || keyForm.MatchString(e.SealingKey), "sealing_key: %q is not the ARN of a KMS key as in arn:aws:kms:eu-central-1:111122223333:key/…", e.SealingKey)
	rule(e.Secret == "" || secretForm.MatchString(e.Secret), "secret: %q is not the whole ARN of a secret of Secrets Manager, with the six characters at its end", e.Secret)
	return errors.Join(wrong...)
}

// CheckNow returns every rule that the settings break at a time, in an account and region. A
// resource of another region or account cannot be used, and a restore in the future would make
// every session invalid until then. Empty parts of env are unknown.
func (s Settings) CheckNow(env Env, now time.Time) error {
	var wrong []error
	if at, err := time.Parse(time.RFC3339, s.RestoredAt); err == nil && at.After(now) {
		wrong = append(wrong, fmt.Errorf("  restored_at: %s is in the future, and no session would be valid until then", s.RestoredAt))
	}
	if to := s.Backup.CopyTo; strings.HasSuffix(to, fmt.Sprintf(":backup:%s:%s:backup-vault:%s", env.Region, env.Account, s.Data)) {
		wrong = append(wrong, fmt.Errorf("  backup.copy_to: %s is the vault of the backups themselves; name one of another account or region", to))
	}
	for _, of := range []struct{ key, arn string }{
		{"domain.certificate", s.Domain.Certificate}, {"existing.table_stream", s.Existing.TableStream}, {"existing.sealing_key", s.Existing.SealingKey},
		{"existing.secret", s.Existing.Secret}, {"key_operator", s.KeyOperator},
	} {
		const regionAt, accountAt = 3, 4
		parts := strings.SplitN(of.arn, ":", accountAt+2)
		if len(parts) < accountAt+2 {
			continue
		}
		if in := partition(env.Region); env.Region != "" && parts[1] != in {
			wrong = append(wrong, fmt.Errorf("  %s: it begins with arn:%s and must begin with arn:%s, the partition of %s", of.key, parts[1], in, env.Region))
			continue
		}
		if at := parts[regionAt]; at != "" && env.Region != "" && at != env.Region {
			wrong = append(wrong, fmt.Errorf("  %s: it is in %s and the deployment in %s; both must be in one region, and AWS_REGION or your profile names that of the deployment", of.key, at, env.Region))
		}
		if env.Account != "" && parts[accountAt] != env.Account {
			wrong = append(wrong, fmt.Errorf("  %s: it is of the account %s and the deployment of %s; both must be of one account", of.key, parts[accountAt], env.Account))
		}
	}
	return errors.Join(wrong...)
}

// partition returns the partition of a region:
// https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/partitions.html
func partition(region string) string {
	switch {
	case strings.HasPrefix(region, "cn-"):
		return "aws-cn"
	case strings.HasPrefix(region, "us-gov-"):
		return "aws-us-gov"
	}
	return "aws"
}
