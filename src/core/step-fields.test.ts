import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { TerminalError } from './errors.ts';
import { stepFields } from './step-fields.ts';

const fields = stepFields(
  z.strictObject({
    device: z.string(),
    count: z.int().max(9).default(1),
    level: z.enum(['low', 'high']).optional(),
    list: z.array(z.number()).optional(),
    either: z.union([z.string(), z.number()]).optional(),
    options: z.strictObject({ deep: z.boolean() }).optional(),
    map: z.record(z.string(), z.number()).optional(),
  }),
);

describe('step fields as written', () => {
  it('lets templates stand anywhere', () => {
    const written = {
      device: '{{ input.device }}',
      count: '{{ 1 + 1 }}',
      level: 'l{{ input.x }}',
      list: [1, '{{ input.n }}'],
      options: { deep: '{{ true }}' },
      map: '{{ input.map }}',
    };
    expect(fields.check(written)).toEqual([]);
  });

  it('leaves the common fields alone', () => {
    expect(fields.check({ id: 'a', type: 'x', when: 1, retry: {}, timeout: 3, device: 'd' })).toEqual([]);
  });

  it.each([
    [{}, 'device', '"device" is missing'],
    [{ device: 3 }, 'device', '"device" must be a string, not a number'],
    [{ device: null }, 'device', '"device" must be a string, not null'],
    [{ device: 'd', list: 3 }, 'list', '"list" must be a list, not a number'],
    [{ device: 'd', list: [true] }, 'list.0', '"list.0" must be a number, not a boolean'],
    [{ device: 'd', map: [] }, 'map', '"map" must be an object, not a list'],
    [{ device: 'd', count: 1.5 }, 'count', '"count" must be a whole number, not a number'],
    [{ device: 'd', options: {} }, 'options.deep', '"options.deep" is missing'],
  ])('words the fault of %j', (written, path, message) => {
    expect(fields.check(written)).toEqual([{ path, message }]);
  });

  it('gives zod the word for the rest', () => {
    expect(fields.check({ device: 'd', count: 10 })[0]?.message).toMatch(/"count" .*9/);
    expect(fields.check({ device: 'd', level: 'x' })[0]?.message).toMatch(/low/);
  });

  it('names unknown fields with what was meant', () => {
    expect(fields.check({ devcie: 'x', device: 'd' })).toEqual([
      { path: 'devcie', message: 'there is no field "devcie" in this step', hint: 'Did you mean "device"?' },
    ]);
    expect(fields.check({ zzzzzz: 1, device: 'd' })[0]?.hint).toMatch(/^Its fields are device, count/);
    expect(fields.check({ device: 'd', options: { deep: true, odd: 1 } })[0]?.path).toBe('options.odd');
    expect(stepFields(z.strictObject({})).check({ x: 1 })[0]?.hint).toBe('It has none of its own.');
  });
});

describe('step fields after evaluation', () => {
  it('are typed and have their defaults', () => {
    expect(fields.parse({ id: 'a', device: 'd' })).toEqual({ device: 'd', count: 1 });
  });

  it('no longer take a template for another type', () => {
    const parse = () => fields.parse({ device: 'd', count: '{{ 1 }}' });
    expect(parse).toThrow(TerminalError);
    expect(parse).toThrow('"count" must be a number, not a string');
  });
});
