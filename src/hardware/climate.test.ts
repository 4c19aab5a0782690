import { describe, expect, it } from 'vitest';
import { HandClock } from '../../tests/support/hand-clock.ts';
import { Climate } from './climate.ts';

const house = () => {
  const clock = new HandClock();
  return { clock, climate: new Climate(clock) };
};

describe('the climate of a greenhouse', () => {
  it('warms in the sun and is cooled by the fan, within seconds', async () => {
    const { clock, climate } = house();
    climate.set({ temperature: 33 });
    climate.setFan(true);
    await clock.advance(12_000);
    const cooled = climate.air();
    expect(cooled.temperature).toBeLessThan(28);
    expect(cooled.temperature).toBeGreaterThan(24);
    climate.setFan(false);
    await clock.advance(60_000);
    expect(climate.air().temperature).toBeGreaterThan(cooled.temperature);
  });

  it('settles and stays in believable bounds however long nobody looks', async () => {
    const { clock, climate } = house();
    climate.setFan(true);
    climate.setPump(true);
    await clock.advance(30 * 86_400_000);
    const air = climate.air();
    expect(air.temperature).toBeCloseTo(21, 3);
    expect(air.soilMoisture).toBeCloseTo(85, 3);
    expect(air.humidity).toBeGreaterThan(5);
    expect(air.humidity).toBeLessThan(100);
  });

  it('waters the soil with the pump, and lets it dry slowly', async () => {
    const { clock, climate } = house();
    const before = climate.air().soilMoisture;
    climate.setPump(true);
    await clock.advance(5000);
    climate.setPump(false);
    const wet = climate.air().soilMoisture;
    expect(wet - before).toBeGreaterThan(5);
    await clock.advance(600_000);
    expect(climate.air().soilMoisture).toBeLessThan(wet);
    expect(climate.air().soilMoisture).toBeGreaterThan(before);
  });

  it('lets humidity follow the temperature', async () => {
    const { clock, climate } = house();
    climate.set({ temperature: 45, humidity: 60 });
    await clock.advance(30_000);
    expect(climate.air().humidity).toBeLessThan(50);
  });

  it('gives the same whether looked at often or once', async () => {
    const often = house();
    const once = house();
    for (const { climate } of [often, once]) climate.setFan(true);
    for (let i = 0; i < 30; i++) {
      await often.clock.advance(1000);
      often.climate.air();
    }
    await once.clock.advance(30_000);
    expect(often.climate.air().temperature).toBeCloseTo(once.climate.air().temperature, 6);
    expect(often.climate.air().humidity).toBeCloseTo(once.climate.air().humidity, 0);
  });
});
