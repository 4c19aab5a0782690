import { expect, test } from 'vitest';
import { RetryableError, TerminalError } from '#core/errors.ts';
import { failStep } from './fail.ts';

const run = (fields: object) => failStep.run(fields as never, {} as never);

test('fails for good, or for now', async () => {
  const given = { code: 'order.rejected', message: 'no', hint: 'Order less.' };
  const terminal = await run(given).catch((error: unknown) => error);
  expect(terminal).toBeInstanceOf(TerminalError);
  expect(terminal).toMatchObject(given);
  const passing = await run({ message: 'later', retryable: true }).catch((error: unknown) => error);
  expect(passing).toBeInstanceOf(RetryableError);
  expect(passing).toMatchObject({ code: 'step.fail', message: 'later' });
});

test('a code that an expression made is looked at as well', async () => {
  await expect(run({ code: 'No Good', message: 'x' })).rejects.toMatchObject({ code: 'step.fields_invalid' });
  expect(failStep.check({ code: '{{ x }}', message: 'x' })).toEqual([]);
});
