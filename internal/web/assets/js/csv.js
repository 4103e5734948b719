// Tables as CSV files, for spreadsheets.

import { button } from './form.js';
import { counted, number, saveFile, say, t } from './page.js';

/**
 * The begin of a formula: a spreadsheet takes a text that begins with one of these signs for one (OWASP, "CSV
 * Injection"). Where a country's list separator is a semicolon, Excel parts cells there and at tabs, also inside a
 * quoted one.
 */
const formula = /(^|[;\t\r\n]["']*)(?=[=+\-@\t\r\n＝＋－＠])/g;

/** One cell (RFC 4180), with an apostrophe before what a spreadsheet would compute. */
function cell(value) {
  if (value === null || value === undefined) return '';
  const text = typeof value === 'string' ? value.replace(formula, "$1'") : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Rows of values as the text of a CSV file. */
export const csv = (rows) => rows.map((row) => `${row.map(cell).join(',')}\r\n`).join('');

/** A time as spreadsheets and programs read it: UTC, as in 2026-11-28T07:02:44.000Z. */
export const instant = (ms) => (ms ? new Date(ms).toISOString() : '');

function download(name, rows) {
  // Excel reads UTF-8 only after a byte order mark.
  saveFile(`${name}-${new Date().toISOString().slice(0, 10)}.csv`, ['\ufeff', csv(rows)], 'text/csv');
}

/**
 * A button that saves a whole list as a file.
 *   name      of the file, without the date
 *   columns   their names, which are the same in all languages, since programs read them
 *   read      returns { rows, next } of the page at a cursor; next is the cursor of the next page, or nothing
 */
export const exporting = ({ name, columns, read }) => button(t('dash.csv'), { kind: 'short', act: async () => {
  const all = [columns];
  for (let at; ;) {
    const { rows, next } = await read(at);
    for (const row of rows) all.push(row);
    if (!next) break;
    at = next;
    say(t('dash.csv.reading', { count: number(all.length - 1) }));
  }
  download(name, all);
  say(counted('dash.csv.done', all.length - 1));
} });
