import type { Define } from './invoke.ts';

export const defineDaemon: Define = (program, invoke) => {
  program
    .command('status')
    .description('the daemon at a glance: health, addresses, broker, workflows, runs, devices')
    .action((_options, command) =>
      invoke(command, async (session) => (await import('../actions/status.ts')).status(session)),
    );
  program
    .command('health')
    .description('the health score and each part with its reasons and remedies; exits 1 when not ok')
    .action((_options, command) =>
      invoke(command, async (session) => (await import('../actions/status.ts')).health(session)),
    );
  program
    .command('version')
    .description('the version of this command and of the daemon')
    .action((_options, command) =>
      invoke(command, async (session) => (await import('../actions/status.ts')).version(session)),
    );
};
