import { readFileSync } from 'node:fs';
import path from 'node:path';

/**
 * The end of scripts/test: which tests and checks failed, line coverage, and `N passed, N failed`. A failed
 * check (lint, types …) counts as one failure; the run of vitest counts as its failed tests, or as one when
 * it failed without a failed test (an unhandled error, a file that does not load).
 *
 * Arguments: vitest's JSON report, `--no-coverage` or an empty one, the names of the failed checks.
 */
const LEAST_COVERAGE = 90;

interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly message: string;
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[];
  }[];
}

const root = path.resolve(import.meta.dirname, '..');
const [reportFile = '', mode = '', ...failedChecks] = process.argv.slice(2);
const report = readJson<Report>(reportFile);
const isVitest = (name: string): boolean => name.includes('vitest');
const failures = failedChecks.filter((name) => !isVitest(name));
const failedTests = report?.numFailedTests ?? 0;
const unloadable: string[] = [];

console.log();
for (const file of report?.testResults ?? []) {
  const failed = file.assertionResults.filter((test) => test.status === 'failed');
  for (const test of failed) console.log(`FAILED ${path.relative(root, file.name)}: ${test.fullName}`);
  if (file.status === 'failed' && failed.length === 0) unloadable.push(path.relative(root, file.name));
}
failures.push(...unloadable);
if (failedTests + unloadable.length === 0) failures.push(...failedChecks.filter(isVitest));
if (mode !== '--no-coverage') checkCoverage();
for (const name of failures) console.log(`FAILED ${name}`);

const failed = failedTests + failures.length;
console.log(`${report?.numPassedTests ?? 0} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;

function checkCoverage(): void {
  const file = path.join(root, 'coverage/coverage-summary.json');
  const percent = readJson<{ total: { lines: { pct: number } } }>(file)?.total.lines.pct;
  console.log(`line coverage of src: ${percent ?? 'unknown'} % (at least ${LEAST_COVERAGE} %)`);
  if (percent === undefined || percent < LEAST_COVERAGE) failures.push('coverage');
}

function readJson<T>(file: string): T | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as T;
  } catch {
    return undefined;
  }
}
