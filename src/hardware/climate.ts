import type { Clock } from '#core/clock.ts';

/**
 * The air and soil of one small greenhouse, in closed form: nothing ticks while nobody looks. Each quantity
 * goes towards a target by 1 − e^(−t/τ) (Newton's law of cooling); what it depends on is held still for a
 * second at a time. Time constants are those of a model house on a desk: a fan is felt within
 * seconds, so that a person can watch it.
 */
export interface Air {
  /** °C. */
  readonly temperature: number;
  /** Relative, %. */
  readonly humidity: number;
  /** Volumetric, %. */
  readonly soilMoisture: number;
}

const SUN_WARMED = 31;
const OUTSIDE = 21;
const TAU_S = { sun: 240, fan: 20, humidity: 60, humidityFan: 15, drying: 3600, wetting: 25 };
const DRY_SOIL = 12;
const SATURATED_SOIL = 85;
const LONGEST_STEP_S = 1;
const MOST_STEPS = 300;

export class Climate {
  readonly #clock: Clock;
  #air: Air;
  #at: number;
  #fan = false;
  #pump = false;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#air = { temperature: 29.5, humidity: 58, soilMoisture: 35 };
    this.#at = clock.monotonic();
  }

  /** As it is now. */
  air(): Air {
    const now = this.#clock.monotonic();
    const seconds = Math.max(0, now - this.#at) / 1000;
    this.#at = now;
    const steps = Math.min(MOST_STEPS, Math.ceil(seconds / LONGEST_STEP_S));
    for (let i = 0; i < steps; i++) this.#air = this.#after(seconds / steps);
    return this.#air;
  }

  /** Puts quantities where somebody wants them; they drift on from there. */
  set(change: Partial<Air>): void {
    this.#air = { ...this.air(), ...change };
  }

  setFan(on: boolean): void {
    this.air();
    this.#fan = on;
  }

  setPump(on: boolean): void {
    this.air();
    this.#pump = on;
  }

  #after(seconds: number): Air {
    const { temperature, humidity, soilMoisture } = this.#air;
    // Warm air holds more water, so its relative humidity falls; wet soil and a closed house raise it.
    const damp = 62 - 1.8 * (temperature - 25) + 0.15 * (soilMoisture - 35) - (this.#fan ? 8 : 0);
    return {
      temperature: towards(
        temperature,
        this.#fan ? OUTSIDE : SUN_WARMED,
        seconds / (this.#fan ? TAU_S.fan : TAU_S.sun),
      ),
      humidity: towards(
        humidity,
        Math.min(100, Math.max(5, damp)),
        seconds / (this.#fan ? TAU_S.humidityFan : TAU_S.humidity),
      ),
      soilMoisture: towards(
        soilMoisture,
        this.#pump ? SATURATED_SOIL : DRY_SOIL,
        seconds / (this.#pump ? TAU_S.wetting : TAU_S.drying),
      ),
    };
  }
}

const towards = (value: number, target: number, elapsed: number): number =>
  target + (value - target) * Math.exp(-elapsed);
