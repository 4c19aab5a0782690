import fc from 'fast-check';

/**
 * Property tests draw the same values in every run, so that a failure is the change's and not the day's.
 * CHAINBOT_SEED=<number> draws others, CHAINBOT_SEED=random new ones each time; a failure prints its seed.
 */
const wanted = process.env.CHAINBOT_SEED ?? '20261120';
if (wanted !== 'random') fc.configureGlobal({ seed: Number(wanted) });
