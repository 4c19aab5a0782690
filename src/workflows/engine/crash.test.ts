import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Played, play, prepared } from '../../../tests/support/crash-check.ts';
import { scenarios } from '../../../tests/support/crash-scenarios.ts';
import type { EngineRig } from '../../../tests/support/engine-rig.ts';

/**
 * The power goes after each unit of each of these workflows, once so that the engine heard of the unit and acts
 * on it, once so that it did not. What an uninterrupted run gives must come out; no effect whose result was on
 * disk is seen again; the journal and the log agree.
 */
describe.each(Object.entries(scenarios))('%s', (_name, scenario) => {
  let home: EngineRig;
  let whole: Played;

  beforeAll(async () => {
    home = await prepared(scenario);
    whole = await play(home.path, scenario, []);
  });
  afterAll(() => home.drop());

  test.each([{ deaf: false }, { deaf: true }])(
    'a crash after every unit (deaf: $deaf)',
    { timeout: 120_000 },
    async ({ deaf }) => {
      expect(whole.units).toBeGreaterThan(1);
      for (let after = 1; after <= whole.units; after++) {
        const played = await play(home.path, scenario, [{ after, deaf }]).catch((error: Error) => {
          error.message = `crash after unit ${after}: ${error.message}`;
          throw error;
        });
        if (!scenario.loose)
          expect({ after, ends: played.ends, keys: played.keys }).toEqual({
            after,
            ends: whole.ends,
            keys: whole.keys,
          });
      }
    },
  );
});
