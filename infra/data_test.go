package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/countersign-mfa/countersign/infra/watch"
)

// lasting are the types of resources that cannot be made again.
var lasting = []string{"AWS::DynamoDB::GlobalTable", "AWS::KMS::Key", "AWS::SecretsManager::Secret"}

// TestNothingThatCannotBeMadeAgainGoes: without the sealing key every authenticator is lost, and
// without the table everything. Only a creation that fails removes keys and secret, because they
// cost money that no stack shows.
func TestNothingThatCannotBeMadeAgainGoes(t *testing.T) {
	deletion := map[string]string{
		"AWS::KMS::Key": "RetainExceptOnCreate", "AWS::SecretsManager::Secret": "RetainExceptOnCreate",
		// With deletion protection, the removal of a table fails, and the rollback with it.
		"AWS::DynamoDB::GlobalTable": "Retain",
	}
	n := map[string]int{}
	for name, r := range built.rawData["Resources"].(map[string]any) {
		r := r.(map[string]any)
		kind := r["Type"].(string)
		if !slices.Contains(lasting, kind) {
			continue
		}
		n[kind]++
		if r["DeletionPolicy"] != deletion[kind] || r["UpdateReplacePolicy"] != "Retain" {
			t.Errorf("%s: deletion %v, replacement %v", name, r["DeletionPolicy"], r["UpdateReplacePolicy"])
		}
	}
	if want := "map[AWS::DynamoDB::GlobalTable:1 AWS::KMS::Key:2 AWS::SecretsManager::Secret:1]"; fmt.Sprint(n) != want {
		t.Errorf("%v, want %s", n, want)
	}
	for name, r := range built.raw["Resources"].(map[string]any) {
		if kind := r.(map[string]any)["Type"].(string); slices.Contains(lasting, kind) {
			t.Errorf("the service has %s: a removal of the service would touch data", name)
		}
	}
	if !*built.data.cdk.TerminationProtection() || *built.stack.cdk.TerminationProtection() {
		t.Error("the data can be removed, or the service cannot")
	}
}

// TestTheTableComesLast: a rollback must never remove a table with deletion protection. So
// everything else that can fail is there before, and only parameters come after the table.
func TestTheTableComesLast(t *testing.T) {
	for name, r := range built.rawData["Resources"].(map[string]any) {
		r := r.(map[string]any)
		text, _ := json.Marshal(r)
		switch r["Type"] {
		case "AWS::DynamoDB::GlobalTable":
			for _, part := range []string{"SealingKey", "SecretKey"} {
				if !strings.Contains(fmt.Sprint(r["DependsOn"]), part) {
					t.Errorf("%s may come before %s", name, part)
				}
			}
		case "AWS::SSM::Parameter":
		default:
			if strings.Contains(string(text), `"Table`) && !strings.HasPrefix(name, "TableKey") {
				t.Errorf("%s comes after the table", name)
			}
		}
	}
}

// TestKeysAreRotatedAndTheSealingKeyIsMultiRegion: KMS cannot make a multi-Region key of another.
func TestKeysAreRotatedAndTheSealingKeyIsMultiRegion(t *testing.T) {
	for name, p := range resources("AWS::KMS::Key") {
		if p["EnableKeyRotation"] != true {
			t.Errorf("%s is never rotated", name)
		}
		if got, want := p["MultiRegion"] == true, strings.HasPrefix(name, "SealingKey"); got != want {
			t.Errorf("%s: multi-Region %v", name, got)
		}
	}
}

// TestOnlyTheServicesUseTheSealingKey: an administrator of the account may administer the sealing
// key and not unwrap master keys. A grant could allow that, so administrators make none.
func TestOnlyTheServicesUseTheSealingKey(t *testing.T) {
	for name, p := range resources("AWS::KMS::Key") {
		if !strings.HasPrefix(name, "SealingKey") {
			continue
		}
		statements := p["KeyPolicy"].(map[string]any)["Statement"].([]any)
		if len(statements) != 2 {
			t.Errorf("%d statements", len(statements))
		}
		for _, s := range statements {
			s := s.(map[string]any)
			for _, action := range texts(s["Action"]) {
				administers := slices.Contains(keyAdministration, action) && !strings.HasPrefix(action, "kms:CreateGrant") && action != "kms:*"
				if condition, _ := json.Marshal(s["Condition"]); !administers && (!strings.Contains(string(condition), ":role/countersign/countersign-data/*") ||
					!strings.Contains(string(condition), `"kms:EncryptionContext:countersign:purpose":"master-key"`)) {
					t.Errorf("the policy allows %s on condition %s", action, condition)
				}
			}
		}
	}
	for _, action := range keyAdministration {
		for _, use := range []string{"Create*", "CreateGrant", "Decrypt", "Encrypt", "Generate", "ReEncrypt", "Sign", "*"} {
			if strings.HasPrefix(action, "kms:"+use) {
				t.Errorf("an administrator may %s", action)
			}
		}
	}
	for name, p := range resources("AWS::Lambda::Function") {
		role := p["Role"].(map[string]any)["Fn::GetAtt"].([]any)[0].(string)
		if path := resources("AWS::IAM::Role")[role]["Path"]; path != "/countersign/countersign-data/" {
			t.Errorf("the role of %s has the path %v, which the key does not know", name, path)
		}
	}
}

// TestTheServiceFindsTheData: each parameter of the service is one that the data stack publishes,
// and nothing is exported, because an export forbids changes of its value.
func TestTheServiceFindsTheData(t *testing.T) {
	published := map[string]bool{}
	for _, p := range resources("AWS::SSM::Parameter") {
		published[p["Name"].(string)] = true
	}
	for name, p := range built.raw["Parameters"].(map[string]any) {
		p := p.(map[string]any)
		if p["Type"] != "AWS::SSM::Parameter::Value<String>" { // the bootstrap's version too
			t.Errorf("%s is a %v", name, p["Type"])
		}
		if from := p["Default"].(string); !published[from] && !strings.HasPrefix(from, "/cdk-bootstrap/") {
			t.Errorf("%s is %s, which is not published", name, from)
		}
		delete(published, p["Default"].(string))
	}
	for name := range published {
		t.Errorf("no service uses %s", name)
	}
	for name, raw := range map[string]map[string]any{"service": built.raw, "data": built.rawData} {
		if text, _ := json.Marshal(raw); strings.Contains(string(text), "ImportValue") || strings.Contains(string(text), `"Export"`) {
			t.Errorf("the %s exports or imports", name)
		}
	}
	if before := *built.stack.cdk.Dependencies(); len(before) != 1 || *before[0].StackName() != "countersign-data" {
		t.Errorf("the service waits for %v", before)
	}
}

// stacks builds the stacks of changed settings.
func stacks(t *testing.T, change func(*Settings)) (data, service map[string]any) {
	t.Helper()
	set := example()
	change(&set)
	if err := set.check(); err != nil {
		t.Fatal(err)
	}
	d, s := NewStacks(NewApp(), set, Env{}, fakes(t.TempDir()))
	if d != nil {
		data = template(d.cdk)
	}
	return data, template(s.cdk)
}

// kinds counts the resources of a template by type.
func kinds(raw map[string]any) map[string]int {
	n := map[string]int{}
	for _, r := range raw["Resources"].(map[string]any) {
		n[r.(map[string]any)["Type"].(string)]++
	}
	return n
}

// TestCanary: a second service on the same data has the same functions and routes. It does not run
// the schedules twice, does not count statistics twice, rotates no key and changes no setting, and
// it makes no data stack, which its settings could change.
func TestCanary(t *testing.T) {
	data, service := stacks(t, func(s *Settings) { s.Name, s.Canary = "countersign-next", true })
	if data != nil {
		t.Error("the canary changes the data stack")
	}
	got, main := kinds(service), kinds(built.raw)
	for _, kind := range []string{"AWS::Scheduler::Schedule", "AWS::Lambda::EventSourceMapping", "Custom::Keys"} {
		if got[kind] != 0 || main[kind] == 0 {
			t.Errorf("the canary has %d of %s, the service %d", got[kind], kind, main[kind])
		}
	}
	if got["AWS::Lambda::Function"] != main["AWS::Lambda::Function"] {
		t.Errorf("the canary has %d functions", got["AWS::Lambda::Function"])
	}
	for _, r := range service["Resources"].(map[string]any) {
		if r := r.(map[string]any); r["Type"] == "AWS::CloudWatch::Alarm" {
			text, _ := json.Marshal(r)
			if strings.Contains(string(text), "Cleanup") || strings.Contains(string(text), "AWS/DynamoDB") {
				t.Errorf("the canary watches what the service watches: %s", text)
			}
		}
	}
	for name, p := range built.raw["Parameters"].(map[string]any) {
		if name == "TableStream" { // only the feed reads it
			continue
		}
		if text, _ := json.Marshal(service["Parameters"]); !strings.Contains(string(text), p.(map[string]any)["Default"].(string)) {
			t.Errorf("the canary does not read %v", p)
		}
	}
}

// TestExistingData: the service uses the parts that the settings name, and the data stack makes
// only the others.
func TestExistingData(t *testing.T) {
	all := Existing{
		Table: "restored", TableStream: "arn:aws:dynamodb:eu-central-1:111122223333:table/restored/stream/2026-01-02T03:04:05.678",
		SealingKey: "arn:aws:kms:eu-central-1:111122223333:key/mrk-1", Secret: "arn:aws:secretsmanager:eu-central-1:111122223333:secret:SecretKey-AbCdEf",
	}
	for name, c := range map[string]struct {
		existing Existing
		left     string
	}{
		"a restored table": {Existing{Table: all.Table, TableStream: all.TableStream}, "AWS::KMS::Key:1 AWS::SSM::Parameter:2 AWS::SecretsManager::Secret:1"},
		"a kept key":       {Existing{SealingKey: all.SealingKey}, "AWS::DynamoDB::GlobalTable:1 AWS::KMS::Key:1 AWS::SSM::Parameter:3 AWS::SecretsManager::Secret:1"},
		"everything":       {all, ""},
	} {
		t.Run(name, func(t *testing.T) {
			data, service := stacks(t, func(s *Settings) { s.Existing = c.existing })
			if c.left == "" && data != nil {
				t.Errorf("there is a data stack: %v", kinds(data))
			}
			if c.left != "" {
				if got := fmt.Sprint(kinds(data)); got != "map["+c.left+"]" {
					t.Errorf("the data stack makes %s, want %s", got, c.left)
				}
			}
			text, _ := json.Marshal(service)
			for _, part := range []string{c.existing.Table, c.existing.TableStream, c.existing.SealingKey, c.existing.Secret} {
				if part != "" && !strings.Contains(string(text), part) {
					t.Errorf("the service does not use %s", part)
				}
			}
			for part, existing := range map[string]string{partTable: c.existing.Table, partStream: c.existing.TableStream, partSealing: c.existing.SealingKey, partSecret: c.existing.Secret} {
				if from := `"/countersign/countersign-data/` + part + `"`; strings.Contains(string(text), from) != (existing == "") {
					t.Errorf("the service reads %s, although %q exists", from, existing)
				}
			}
		})
	}
}

// TestBackupAlarms: a deployment with backups has their alarms on its own vault, and no other
// deployment has them.
func TestBackupAlarms(t *testing.T) {
	_, service := stacks(t, func(s *Settings) { s.Backup.Days = 1 })
	with, without := alarmNames(service), alarmNames(built.raw)
	for _, a := range watch.Alarms(1) {
		if !a.OfBackups() {
			continue
		}
		name := "countersign-" + a.Name
		if of := with[name]; !strings.Contains(of, "BackupVaultName = 'countersign-data'") {
			t.Errorf("%s watches %s", name, of)
		}
		if without[name] != "" {
			t.Errorf("a deployment without backups has %s", name)
		}
		delete(with, name)
	}
	if len(with) != len(without) {
		t.Errorf("%d other alarms with backups, and %d without", len(with), len(without))
	}
}

// alarmNames returns the alarms of a template by name, each as a text.
func alarmNames(raw map[string]any) map[string]string {
	found := map[string]string{}
	for _, r := range raw["Resources"].(map[string]any) {
		if r := r.(map[string]any); r["Type"] == "AWS::CloudWatch::Alarm" {
			p := r["Properties"].(map[string]any)
			found[flat(p["AlarmName"])] = flat(p["Metrics"])
		}
	}
	return found
}

// TestBackup: a plan backs up the table once a day, keeps and copies each backup, and nothing that
// can fail but the selection of the table comes after the table.
func TestBackup(t *testing.T) {
	const vault = "arn:aws:backup:eu-central-1:444455556666:backup-vault:countersign"
	restored := Existing{Table: "restored", TableStream: "arn:aws:dynamodb:eu-central-1:111122223333:table/restored/stream/2026-01-02T03:04:05.678"}
	all := restored
	all.SealingKey, all.Secret = "arn:aws:kms:eu-central-1:111122223333:key/1", "arn:aws:secretsmanager:eu-central-1:111122223333:secret:x-AbCdEf"
	for name, existing := range map[string]Existing{"a new table": {}, "a restored table": restored, "only existing parts": all} {
		t.Run(name, func(t *testing.T) {
			data, _ := stacks(t, func(s *Settings) { s.Existing, s.Backup = existing, Backup{Days: 90, CopyTo: vault} })
			if data == nil {
				t.Fatal("nothing backs up the table")
			}
			text := map[string]string{}
			for logical, r := range data["Resources"].(map[string]any) {
				line, _ := json.Marshal(r)
				text[r.(map[string]any)["Type"].(string)] += logical + string(line)
			}
			for kind, parts := range map[string][]string{
				"AWS::Backup::BackupVault":     {`"DeletionPolicy":"RetainExceptOnCreate"`, `"Fn::GetAtt":["TableKey`},
				"AWS::Backup::BackupPlan":      {`"DeleteAfterDays":90`, vault, `"ScheduleExpression":"cron(0 3 * * ? *)"`},
				"AWS::Backup::BackupSelection": {`"Resources":[{"Fn::`},
				"AWS::IAM::Role":               {"backup.amazonaws.com"},
			} {
				for _, part := range parts {
					if !strings.Contains(text[kind], part) {
						t.Errorf("%s has no %s: %s", kind, part, text[kind])
					}
				}
			}
			if table := text["AWS::DynamoDB::GlobalTable"]; existing.Table == "" && (!strings.Contains(table, `"BackupPlan"`) || !strings.Contains(table, `"BackupRole`)) {
				t.Errorf("the table does not wait for the plan: %s", table)
			}
			if existing.Table != "" && !strings.Contains(text["AWS::Backup::BackupSelection"], ":table/restored") {
				t.Errorf("the restored table is not backed up: %s", text["AWS::Backup::BackupSelection"])
			}
		})
	}
	for kind, n := range kinds(built.rawData) {
		if strings.HasPrefix(kind, "AWS::Backup") {
			t.Errorf("without the setting there are %d of %s", n, kind)
		}
	}
}

// TestWarmThroughput: the table and each index are warm, because a write of the table is one of the
// index too.
func TestWarmThroughput(t *testing.T) {
	data, _ := stacks(t, func(s *Settings) { s.Warm = Warm{Reads: 12_000, Writes: 10_000} })
	text, _ := json.Marshal(data)
	if n := strings.Count(string(text), `"WriteUnitsPerSecond":10000`); n != 3 {
		t.Errorf("%d are warm, want the table and its two indexes", n)
	}
	if text, _ := json.Marshal(built.rawData); strings.Contains(string(text), "WarmThroughput") {
		t.Error("the table is warm without the setting")
	}
}
