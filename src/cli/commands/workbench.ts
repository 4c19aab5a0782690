import { Argument, type Command, InvalidArgumentError, Option } from 'commander';
import type { Define, Invoke } from './invoke.ts';

/** Commands that help to write workflows; they stand among `workflows` and `runs`. */
export const defineWorkbench: Define = (program, invoke) => {
  const workflows = program.commands.find((one) => one.name() === 'workflows') as Command;
  defineCheck(workflows, invoke);
  defineTest(workflows, invoke);
  defineTemplates(workflows, invoke);
  defineInterchange(workflows, invoke);
  (program.commands.find((one) => one.name() === 'runs') as Command)
    .command('export')
    .description(
      'a run as a case for `workflows test`: what was answered is given, what came of it is expected',
    )
    .argument('<run>', 'its id, or the beginning of it')
    .action((id, _options, command) =>
      invoke(command, async (session) => (await import('../actions/trial.ts')).exportCase(session, id)),
    );
};

function defineCheck(workflows: Command, invoke: Invoke): void {
  workflows
    .command('check')
    .description(
      'say everything that is wrong or odd in definitions, like a compiler; works without a daemon',
    )
    .argument('<file...>', 'YAML or JSON files, or - for standard input')
    .option('--strict', 'warnings count as errors: exits 1')
    .option('--offline', 'ask no daemon: nothing is said of devices and stored workflows')
    .action((files, options, command) =>
      invoke(command, async (session) =>
        (await import('../actions/check.ts')).check(session, files, options),
      ),
    );
}

function defineTest(workflows: Command, invoke: Invoke): void {
  workflows
    .command('test')
    .description('run a definition with its effects recorded instead of done, and time that jumps')
    .argument('<file>', 'a definition, or a case that carries one (chainbot runs export)')
    .option('-i, --input <json>', 'the input: JSON, @file with JSON, or - for standard input')
    .option('-e, --expect <file>', 'what is given and expected; exits 1 when something is different')
    .action((file, options, command) =>
      invoke(command, async (session) => (await import('../actions/trial.ts')).test(session, file, options)),
    );
}

function defineTemplates(workflows: Command, invoke: Invoke): void {
  const actions = () => import('../actions/templates.ts');
  workflows
    .command('templates')
    .description('the templates there are; with a name, what one asks for')
    .argument('[template]', 'its name')
    .action((name, _options, command) =>
      invoke(command, async (session) => (await actions()).list(session, name)),
    );
  workflows
    .command('new')
    .description('make a definition from a template and print it, write it to a file, or store it')
    .requiredOption('--template <template>', 'its name')
    .option('--set <key=value>', 'a value for a parameter; again for each', pairs, {})
    .addOption(new Option('--out <path>', 'write it to this file').conflicts('add'))
    .option('--add', 'store it at once')
    .action((options, command) =>
      invoke(command, async (session) => (await actions()).create(session, options)),
    );
}

function defineInterchange(workflows: Command, invoke: Invoke): void {
  const actions = () => import('../actions/interchange.ts');
  workflows
    .command('export')
    .description('print workflows as one file, for another appliance')
    .argument('<workflow...>', 'their names')
    .action((names, _options, command) =>
      invoke(command, async (session) => (await actions()).exportBundle(session, names)),
    );
  workflows
    .command('import')
    .description('store the workflows of such a file: all of them, or none when one is wrong or another here')
    .argument('<file>', 'what `workflows export` printed, or - for standard input')
    .option('--replace', 'those that are here and different get a new version')
    .action((file, options, command) =>
      invoke(command, async (session) => (await actions()).importBundle(session, file, options)),
    );
  workflows
    .command('import-from')
    .description('translate workflows of another program, and say what was not translated')
    .addArgument(new Argument('<program>', 'where they come from').choices(['n8n', 'node-red']))
    .argument('<file>', 'the JSON that was exported there')
    .addOption(new Option('--out <path>', 'write what came of it to this file').conflicts('add'))
    .option('--add', 'store what came of it')
    .option('--replace', 'with --add: those that are here and different get a new version')
    .action((from, file, options, command) =>
      invoke(command, async (session) => (await actions()).importFrom(session, from, file, options)),
    );
}

/** Collects `limit=8`. */
function pairs(text: string, previous: Readonly<Record<string, string>>): Record<string, string> {
  const at = text.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('Write name=value.');
  return { ...previous, [text.slice(0, at).trim()]: text.slice(at + 1) };
}
