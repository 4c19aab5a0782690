import { Argument } from 'commander';
import type { Define } from './invoke.ts';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;

export const defineCompletion: Define = (program, invoke) => {
  program
    .command('completion')
    .description('print the completion script for a shell')
    .addArgument(new Argument('<shell>', 'the shell').choices(SHELLS))
    .addHelpText(
      'after',
      `
Examples:
  chainbot completion bash | sudo tee /etc/bash_completion.d/chainbot >/dev/null
  chainbot completion zsh > "\${fpath[1]}/_chainbot"
  chainbot completion fish > ~/.config/fish/completions/chainbot.fish`,
    )
    .action((shell, _options, command) =>
      invoke(command, async (session) =>
        (await import('../actions/completion.ts')).completion(session, program, shell),
      ),
    );
  // Called by the scripts at each Tab: the names that exist now, one per line, nothing at all on any error.
  program
    .command('complete', { hidden: true })
    .argument('<kind>')
    .action((kind, _options, command) =>
      invoke(command, async (session) => (await import('../actions/completion.ts')).complete(session, kind)),
    );
};
