import { Option } from 'commander';
import { type Define, group } from './invoke.ts';
import { positiveInteger } from './values.ts';

export const defineWorkflows: Define = (program, invoke) => {
  const workflows = group(program, 'workflows', 'store, show and remove workflow definitions');
  const actions = () => import('../actions/workflows.ts');
  workflows
    .command('list')
    .description('every workflow with its version and triggers')
    .action((_options, command) => invoke(command, async (session) => (await actions()).list(session)));
  workflows
    .command('show')
    .description('one workflow: what starts it, its input and its steps')
    .argument('<workflow>', 'its name')
    .option('--version <number>', 'this version instead of the newest', positiveInteger)
    .option('--source', 'print the text as it was given, comments and all')
    .action((name, options, command) =>
      invoke(command, async (session) => (await actions()).show(session, name, options)),
    );
  workflows
    .command('add')
    .description('check a definition and store it as the next version')
    .argument('<file>', 'a YAML or JSON file, or - for standard input')
    .action((file, _options, command) =>
      invoke(command, async (session) => (await actions()).add(session, file)),
    );
  workflows
    .command('graph')
    .description('the steps of a workflow as a graph, with the state of a run')
    .argument('<workflow>', 'its name')
    .addOption(
      new Option('--format <format>', 'a Mermaid flowchart, or nodes and edges')
        .choices(['mermaid', 'json'])
        .default('mermaid'),
    )
    .option('--version <number>', 'this version instead of the newest', positiveInteger)
    .option('--run <run>', 'with what has become of each step in this run')
    .action((name, options, command) =>
      invoke(command, async (session) =>
        (await import('../actions/history.ts')).graph(session, name, options),
      ),
    );
  workflows
    .command('versions')
    .description('the stored versions of a workflow: when and by whom')
    .argument('<workflow>', 'its name')
    .action((name, _options, command) =>
      invoke(command, async (session) => (await actions()).versions(session, name)),
    );
  workflows
    .command('diff')
    .description('what is different between two versions, step by step')
    .argument('<workflow>', 'its name')
    .argument('<from>', 'the older version', positiveInteger)
    .argument('[to]', 'the newer one; without it the newest', positiveInteger)
    .action((name, from, to, _options, command) =>
      invoke(command, async (session) =>
        (await import('../actions/versions.ts')).diff(session, name, from, to),
      ),
    );
  workflows
    .command('rollback')
    .description('store the text of an earlier version as the next one; runs under way keep theirs')
    .argument('<workflow>', 'its name')
    .argument('<version>', 'the version to go back to', positiveInteger)
    .action((name, version, _options, command) =>
      invoke(command, async (session) =>
        (await import('../actions/versions.ts')).rollback(session, name, version),
      ),
    );
  workflows
    .command('remove')
    .description('take a workflow out of use; its runs and versions stay')
    .argument('<workflow>', 'its name')
    .action((name, _options, command) =>
      invoke(command, async (session) => (await actions()).remove(session, name)),
    );
};
