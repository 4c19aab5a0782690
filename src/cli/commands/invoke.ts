import { Command } from 'commander';
import type { Action } from '../session.ts';

/**
 * Runs a command's action. Definitions stand apart from what they do, and import it only when it is wanted:
 * `--help`, completion and the reference load none of it.
 */
export type Invoke = (command: Command, action: Action) => Promise<void>;

/** What a file of definitions exports: adds its commands to the program. */
export type Define = (program: Command, invoke: Invoke) => void;

/**
 * Adds a group (`runs`) whose commands follow. Without one of them it shows its help and counts as wrong
 * usage, so that a script with a missing word does not pass.
 */
export function group(program: Command, name: string, description: string): Command {
  return program
    .addCommand(new Command(name).copyInheritedSettings(program).description(description))
    .commands.at(-1) as Command;
}
