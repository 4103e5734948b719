package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsbackup"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/jsii-runtime-go"
)

// backupHour is the start of the daily backup, UTC.
const backupHour = "cron(0 3 * * ? *)"

// backupRole makes the role of AWS Backup. AWS adds to the managed policy what new features need.
func (d *Data) backupRole() awsiam.Role {
	return awsiam.NewRole(d.cdk, jsii.String("BackupRole"), &awsiam.RoleProps{
		AssumedBy:       awsiam.NewServicePrincipal(jsii.String("backup.amazonaws.com"), nil),
		ManagedPolicies: &[]awsiam.IManagedPolicy{awsiam.ManagedPolicy_FromAwsManagedPolicyName(jsii.String("service-role/AWSBackupServiceRolePolicyForBackup"))},
	})
}

// backupPlan makes a vault, and a plan that backs up once a day and copies each backup. AWS Backup
// encrypts backups of DynamoDB with the key of the vault.
func (d *Data) backupPlan(key awskms.Key) awsbackup.CfnBackupPlan {
	b := d.settings.Backup
	vault := awsbackup.NewCfnBackupVault(d.cdk, jsii.String("BackupVault"), &awsbackup.CfnBackupVaultProps{
		BackupVaultName: &d.settings.Data, EncryptionKeyArn: key.KeyArn(),
	})
	// A vault with backups cannot be removed.
	vault.ApplyRemovalPolicy(awscdk.RemovalPolicy_RETAIN_ON_UPDATE_OR_DELETE, nil)
	kept := &awsbackup.CfnBackupPlan_LifecycleResourceTypeProperty{DeleteAfterDays: jsii.Number(b.Days)}
	rule := &awsbackup.CfnBackupPlan_BackupRuleResourceTypeProperty{
		RuleName: jsii.String("daily"), TargetBackupVault: vault.Ref(), ScheduleExpression: jsii.String(backupHour), Lifecycle: kept,
	}
	if b.CopyTo != "" {
		rule.CopyActions = []any{&awsbackup.CfnBackupPlan_CopyActionResourceTypeProperty{DestinationBackupVaultArn: &b.CopyTo, Lifecycle: kept}}
	}
	return awsbackup.NewCfnBackupPlan(d.cdk, jsii.String("BackupPlan"), &awsbackup.CfnBackupPlanProps{
		BackupPlan: &awsbackup.CfnBackupPlan_BackupPlanResourceTypeProperty{BackupPlanName: &d.settings.Data, BackupPlanRule: []any{rule}},
	})
}

// backUp selects the table for the plan by its ARN: a selection by tag would depend on the
// account's opt-in settings.
// https://docs.aws.amazon.com/aws-backup/latest/devguide/API_UpdateRegionSettings.html
func (d *Data) backUp(plan awsbackup.CfnBackupPlan, role awsiam.Role, table *string) {
	awsbackup.NewCfnBackupSelection(d.cdk, jsii.String("BackupSelection"), &awsbackup.CfnBackupSelectionProps{
		BackupPlanId: plan.AttrBackupPlanId(),
		BackupSelection: &awsbackup.CfnBackupSelection_BackupSelectionResourceTypeProperty{
			SelectionName: jsii.String("table"), IamRoleArn: role.RoleArn(), Resources: &[]*string{table},
		},
	})
}
