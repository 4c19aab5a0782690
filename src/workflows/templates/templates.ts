import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TerminalError } from '#core/errors.ts';
import type { Json } from '#core/json.ts';
import { didYouMean } from '#core/near-names.ts';
import { type Parameter, readTemplate, renderTemplate, type TemplateFile } from './template-file.ts';

/** What a template is and asks for. */
export interface TemplateSummary {
  readonly name: string;
  readonly description: string;
  readonly parameters: readonly ({ readonly name: string } & Parameter)[];
}

/** The templates that come with ChainBot: config/templates/*.yaml. Read when somebody asks. */
export class Templates {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async list(): Promise<readonly TemplateSummary[]> {
    const names = await this.#names();
    const templates = await Promise.all(names.map((name) => this.read(name)));
    return templates.map(summaryOf);
  }

  /** @throws TerminalError `template.not_found` */
  async read(name: string): Promise<TemplateFile> {
    const names = await this.#names();
    if (!names.includes(name)) {
      const hint = didYouMean(name, names) ?? 'See `chainbot workflows templates`.';
      throw new TerminalError('not_found', 'template.not_found', `there is no template "${name}"`, { hint });
    }
    return readTemplate(await readFile(join(this.#folder, `${name}.yaml`), 'utf8'));
  }

  /**
   * The text of a workflow made from a template.
   * @throws TerminalError `template.not_found`, `template.values_invalid` with every fault
   */
  async render(name: string, values: Readonly<Record<string, Json>>): Promise<string> {
    return renderTemplate(await this.read(name), values);
  }

  async #names(): Promise<readonly string[]> {
    const files = await readdir(this.#folder).catch(() => []);
    return files
      .filter((file) => file.endsWith('.yaml'))
      .map((file) => file.slice(0, -5))
      .sort();
  }
}

export function summaryOf({ template, description, parameters }: TemplateFile): TemplateSummary {
  const listed = Object.entries(parameters).map(([name, parameter]) => ({ name, ...parameter }));
  return { name: template, description, parameters: listed };
}
