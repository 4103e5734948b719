// Names of tests that a helper defines. Node 20 reports such a test in the helper's file. So the name begins
// with the file that runs, and counted.mjs counts the test there.
import path from 'node:path';

export const inFile = name => `${path.relative(process.cwd(), process.argv[1])}: ${name}`;

/** The file in a name made by inFile. */
export const fileIn = name => /^(\S+\.test\.m?js): /.exec(name)?.[1];
