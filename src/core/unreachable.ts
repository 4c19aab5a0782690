/** Makes the compiler prove that a switch is exhaustive; throws if data from outside proves it wrong. */
export function unreachable(value: never, what: string): never {
  throw new Error(`unexpected ${what}: ${JSON.stringify(value)}`);
}
