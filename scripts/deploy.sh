#!/usr/bin/env bash
# Runs the CDK's deploy command, given as arguments. Then it says whether alarms reach an address,
# and runs the smoke test. Only the environment of the smoke test holds the secret key: other users
# of the machine can list arguments.
set -euo pipefail
cd "$(dirname "$0")/.."

[ $# -gt 0 ] || { echo "usage: deploy.sh <deploy command of the CDK>" >&2; exit 2; }
for program in aws node; do
  command -v "$program" >/dev/null || { echo "make deploy needs the program $program; nothing was deployed" >&2; exit 1; }
done

outputs=$(mktemp)
trap 'rm -f "$outputs"' EXIT
"$@" --outputs-file "$outputs"

output() {
  node -e 'const all = Object.values(JSON.parse(require("fs").readFileSync(process.argv[1]))); console.log((all.find(s => s.ApiUrl) || {})[process.argv[2]] || "")' "$outputs" "$1"
}
url=$(output ApiUrl) secret=$(output SecretKeyArn) topic=$(output AlarmTopic)
[ -n "$url" ] && [ -n "$secret" ] || { echo "The deployment has no outputs ApiUrl and SecretKeyArn, so it was not tried." >&2; exit 1; }
region=$(cut -d: -f4 <<<"$secret")

if [ -n "$topic" ]; then
  if ! mails=$(aws sns list-subscriptions-by-topic --region "$region" --topic-arn "$topic" --query 'Subscriptions[].SubscriptionArn' --output text); then
    echo "The subscriptions of the alarms could not be read." >&2
  elif [ -z "$mails" ] || [ "$mails" = None ]; then
    echo "AWS mails no alarm: set alarm_mail in the settings, or subscribe to $topic."
  elif grep -q PendingConfirmation <<<"$mails"; then
    echo "AWS mails no alarm to an address that has not confirmed its subscription. Open the link in the mail of AWS."
  else
    echo "Alarms reach $(wc -w <<<"$mails" | tr -d ' ') confirmed subscription(s)."
  fi
fi

back="To go back, check out the version that ran before and run make deploy again; the data stays. docs/operate/deploy.md, \"Update and roll back\", says more."
if ! key=$(aws secretsmanager get-secret-value --region "$region" --secret-id "$secret" --query SecretString --output text); then
  echo "The deployment is done and was not tried, because its secret key could not be read. $back" >&2
  exit 1
fi
if ! COUNTERSIGN_SECRET_KEY=$key bin/countersign-tools smoke "$url"; then
  echo "The deployment is done and does not work: $url fails the smoke test. If the domain is new, set its CNAME and try again. $back" >&2
  exit 1
fi
