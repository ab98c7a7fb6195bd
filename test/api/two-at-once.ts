// A process for side-by-side.test.ts: two jobs at once with a thread beside, in the mode that is named; then nothing more is to be done.

import { IndependentJobs, watchThreads } from "./independent-jobs.ts";
import { call, modes, openSession } from "./modes.ts";

const mode = modes.find(({ name }) => name === process.argv[2])!;
const jobs = await IndependentJobs.prepare();
const calls = await watchThreads(2);
const { session } = await openSession(mode, undefined, 2);
const values = await Promise.all(
  [1, 2].map(async (first) => {
    const found = await session.lookup(jobs.add(session, `${first}`, first), ["f"]);
    return call(session.epc, found.get("f"));
  }),
);
await session.endSession();
console.log(JSON.stringify({ values, given: calls.size > 0 }));
