import { expect, test } from 'vitest';
import { silentLog } from '#core/log.ts';
import { logStep } from './log.ts';

test('writes a line, and gives it', async () => {
  const lines: unknown[] = [];
  const log = { ...silentLog, warn: (...line: unknown[]) => void lines.push(line) };
  const given = { level: 'warn', message: 'nearly empty', fields: { litres: 3 } };
  expect(await logStep.run(given, { log } as never)).toEqual(given);
  expect(lines).toEqual([[{ fields: { litres: 3 } }, 'nearly empty']]);
  expect(await logStep.run({ message: 'x' }, { log } as never)).toEqual({
    level: 'info',
    message: 'x',
    fields: {},
  });
});
