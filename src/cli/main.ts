#!/usr/bin/env node
import { processIo } from './process-io.ts';
import { runCli } from './run-cli.ts';

// The process ends by itself once its output is written; process.exit would cut a pipe short.
process.exitCode = await runCli(process.argv.slice(2), processIo());
