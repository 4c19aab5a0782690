import { expect, test } from 'vitest';
import { staticStepTypes } from '../../static-check.ts';
import { checkDefinition } from './check-definition.ts';

const source = `name: w
triggers:
  - { type: webhook, secret: shp }
  - { type: webhook, name: other, token: shop }
steps:
  - id: a
    type: api_call
    url: http://a.org
    credential: weathr
    headers: { x: "{{ secret('nobody') + secret('shop') }}" }
  - { id: b, type: webhook, url: 'http://a.org', event: x, secret: [shop, lost] }
`;
const check = (secrets?: readonly string[]) =>
  checkDefinition(source, 'yaml', { stepTypes: staticStepTypes(), events: [], secrets });

test('secrets that are not in the vault, with the nearest name', () => {
  const problems = check(['shop', 'weather']).problems.filter(({ message }) => message.includes('no secret'));
  expect(problems).toMatchObject([
    { path: 'triggers[0].secret', line: 3, hint: 'Did you mean "shop"?', severity: 'warning' },
    { path: 'steps[0].credential', line: 9, hint: 'Did you mean "weather"?' },
    { path: 'steps[0].headers.x', line: 10, message: 'there is no secret "nobody" yet' },
    { path: 'steps[1].secret', line: 11, hint: expect.stringContaining('secrets set lost') },
  ]);
});

test('nothing is said of them where there is no vault to look into', () => {
  expect(check().problems.filter(({ message }) => message.includes('no secret'))).toEqual([]);
});
