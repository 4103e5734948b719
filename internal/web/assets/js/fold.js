// Joins the entries of an audit log that belong to one act.

/** Types of events, each with those of the steps that lead to it. They happen just before it. */
const steps = new Map(`
  factor.added phone_number.verified code.sent phone_number.added
  phone_number.verified code.sent phone_number.added
  session.created factor.used code.sent sign_in_token.used
  session.reverified factor.used code.sent
`.trim().split('\n').map((line) => line.trim().split(' ')).map(([type, ...before]) => [type, before]));
const within = 15 * 60 * 1000; // longer than a code or a sign-in lives

/** Whether an entry is a step of a later one: of the same number, or of the same sign-in. */
const isStep = (e, of) => steps.get(of.type)?.includes(e.type) && (of.type.startsWith('session') || of.subject_id === e.subject_id)
  && of.actor === e.actor && of.last_at - e.last_at < within;

/** The newest use first: an act that repeats within a day raises the count of its first entry. A session comes before its own steps. */
const newest = (a, b) => b.last_at - a.last_at || b.type.startsWith('session') - a.type.startsWith('session');

/** The entries, newest first, with the steps of each in its field steps. Steps of an act that repeats stand in its row too. */
export function fold(entries) {
  const rows = [];
  for (const e of [...entries].sort(newest)) {
    const head = rows.at(-1);
    if (head && isStep(e, head)) head.steps.push(e);
    else rows.push({ ...e, steps: [] });
  }
  return rows;
}
