// Names of tests that a helper makes. Node 20 says that such a test is in the helper's file, so its
// name begins with that of the file that runs, and counted.mjs counts it for that.
import path from 'node:path';

export const inFile = name => `${path.relative(process.cwd(), process.argv[1])}: ${name}`;

/** The file in a name made by inFile. */
export const fileIn = name => /^(\S+\.test\.m?js): /.exec(name)?.[1];
