import { expect, test } from 'vitest';
import { catalogue, eventReference } from './catalogue.ts';
import { eventRow } from './event-row.ts';

test('every type is a name that makes a topic, and is described', () => {
  for (const [type, { description }] of Object.entries(catalogue)) {
    expect(type).toMatch(/^chainbot(\.[a-z_]+){2,}$/);
    expect(description).toMatch(/\.$/);
  }
});

test('the reference has each of them, with its topic and the shape of its data', () => {
  const text = eventReference();
  for (const type of Object.keys(catalogue)) {
    expect(text).toContain(`## ${type}\n`);
    expect(text).toContain(`Topic: \`${type.replaceAll('.', '/')}\``);
  }
  expect(text).toContain('"workflow"');
});

test('a row of the log', () => {
  const data = { run: 'r', workflow: 'w', version: 1 };
  expect(eventRow('chainbot.workflow.started', 'run/r', 'person:me', data, 5)).toEqual({
    type: 'chainbot.workflow.started',
    subject: 'run/r',
    actor: 'person:me',
    time: 5,
    data: JSON.stringify(data),
  });
});
